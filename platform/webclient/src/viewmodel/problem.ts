/** What a view may need of a problem besides its type. */
export { offline, type Problem } from "../model/problem";
