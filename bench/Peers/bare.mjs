// What a delivery cannot do without, in the peers' runtime: make a body, sign it, post it, see the answer. No queue and no database.
import { message } from './messages.mjs';
import { Sender } from './post.mjs';
import { serve } from './session.mjs';

let sender;

await serve(import.meta.filename, {
  async prepare() {},

  async work() {
    return { stop() {} };
  },

  // Each endpoint's messages one after another, all endpoints at once.
  async produce({ url, endpoints, connections }, from, to) {
    sender ??= new Sender({ url, connections });
    await Promise.all(Array.from({ length: endpoints }, async (_, endpoint) => {
      for (let n = from + endpoint; n < to; n += endpoints) {
        const envelope = message(n, endpoints);
        await sender.post(endpoint, envelope.id, JSON.stringify(envelope));
      }
    }));
    return to - from;
  },
});
