import { useModel } from "@preact/signals";
import { Flag, MessageCircle, SendHorizontal, Trash2, X } from "lucide";

import type { Comment, Post } from "../../model/types";
import type { WallModel } from "../../viewmodel/posts";
import { useApp, useOnce, useT } from "../context";
import {
  Ago,
  Avatar,
  ButtonLink,
  Empty,
  Failure,
  IconButton,
  InlineProblem,
  Skeleton,
} from "../parts/basics";
import { Sentinel } from "../parts/cards";

/** A sheet from below on the phone, a panel beside the picture on the desktop. */
export function CommentsPanel({ post, wall }: { post: Post; wall: WallModel }) {
  const app = useApp();
  const t = useT();
  const comments = useModel(() => app.screens.comments(post.id, (by) => wall.countComments(post.id, by)));
  useOnce(comments.load);
  const { list } = comments;
  return (
    <section class="panel" aria-label={t("comments")}>
      <header class="panel-head">
        <h2>
          {t("comments")} <small>{app.i18n.count(post.comment_count)}</small>
        </h2>
        <IconButton icon={X} label={t("close")} onClick={wall.close} />
      </header>
      <div class="panel-body">
        {list.phase.value === "loading" && <Skeleton kind="row" count={4} />}
        {list.phase.value === "failed" && <Failure problem={list.problem.value} onRetry={list.load} />}
        {list.empty.value && (
          <Empty icon={MessageCircle} title={t("comments_empty")}>
            {t("comments_empty_text")}
          </Empty>
        )}
        <ul class="comments">
          {list.items.value.map((comment) => (
            <CommentLine
              key={comment.id}
              comment={comment}
              onDelete={() => comments.remove(comment.id)}
              onReport={() => wall.report("comment", comment.id)}
            />
          ))}
        </ul>
        {list.hasMore.value && <Sentinel onReach={list.more} />}
      </div>
      <InlineProblem problem={comments.problem.value} />
      {app.session.isMember.value ? (
        <form
          class="comment-form"
          onSubmit={(event) => {
            event.preventDefault();
            void comments.send();
          }}
        >
          <input
            type="text"
            maxLength={1000}
            value={comments.draft.value}
            placeholder={t("write_comment")}
            aria-label={t("write_comment")}
            onInput={(event) => comments.write(event.currentTarget.value)}
          />
          <IconButton
            type="submit"
            class="accent"
            icon={SendHorizontal}
            label={t("send")}
            disabled={!comments.canSend.value}
          />
        </form>
      ) : (
        <div class="comment-form">
          <ButtonLink wide href={`/login?next=${encodeURIComponent(`/p/${post.id}`)}`}>
            {t("log_in_to_comment")}
          </ButtonLink>
        </div>
      )}
    </section>
  );
}

function CommentLine({
  comment,
  onDelete,
  onReport,
}: {
  comment: Comment;
  onDelete: () => void;
  onReport: () => void;
}) {
  const t = useT();
  const name = comment.author.display_name || comment.author.username;
  return (
    <li class="comment">
      <a href={`/u/${encodeURIComponent(comment.author.username)}`} aria-label={name}>
        <Avatar name={name} size="small" />
      </a>
      <div>
        <p class="comment-head">
          <strong>{name}</strong> <Ago at={comment.created_at} />
        </p>
        <p class="comment-text">{comment.text}</p>
      </div>
      {comment.mine ? (
        <IconButton class="faint" icon={Trash2} label={t("delete_comment")} onClick={onDelete} />
      ) : (
        <IconButton class="faint" icon={Flag} label={t("report_comment")} onClick={onReport} />
      )}
    </li>
  );
}
