// Runs before the first paint, so that a light-theme reader never sees a dark flash. A file, because the
// Content-Security-Policy forbids inline scripts.
(function () {
  var theme = null;
  try {
    theme = JSON.parse(localStorage.getItem("impasto.theme"));
  } catch {
    theme = null;
  }
  document.documentElement.dataset.theme = theme === "light" || theme === "dark" ? theme : "dark";
})();
