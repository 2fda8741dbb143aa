import type { ProcessEvent } from "../../shared/manager_api/types.ts";
import type { ProcessStore } from "../store/process_store.ts";
import type { EventHub } from "../supervisor/event_hub.ts";

/** Events read from the store in one go. */
const BATCH_MAX = 500;
/** Events that may wait for a slow follower before it is let go. */
const BACKLOG_MAX = 20_000;

/**
 * Answers with server-sent events: all that was stored after `after`, then
 * what happens. Without gap or repeat, since storing and following are not
 * interrupted by each other. A follower that falls too far behind is cut off
 * and comes again with the id of its last event.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function streamEvents(
  { store, hub, after }: {
    readonly store: Pick<ProcessStore, "eventsAfter">;
    readonly hub: EventHub;
    readonly after: number;
  },
): Response {
  const encoder = new TextEncoder();
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (event: ProcessEvent) => {
        controller.enqueue(encoder.encode(format(event)));
        if ((controller.desiredSize ?? 0) > -BACKLOG_MAX) return;
        end();
        controller.close();
      };
      // The header block leaves with the first bytes: say at once that it is up.
      controller.enqueue(encoder.encode(": following\n\n"));
      let seq = after;
      while (true) {
        const events = store.eventsAfter(seq, BATCH_MAX);
        events.forEach(send);
        seq = events.at(-1)?.Seq ?? seq;
        if (events.length < BATCH_MAX) break;
      }
      end = hub.follow(send, () => controller.close());
    },
    cancel: () => end(),
  });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    },
  });
}

function format(event: ProcessEvent): string {
  return `id: ${event.Seq}\ndata: ${JSON.stringify(event)}\n\n`;
}
