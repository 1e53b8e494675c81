// Standard Webhooks over undici: what the peers' jobs do, and all that the bare loop does.
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { Pool } from 'undici';

export class Sender {
  #pool;
  #key = createSecretKey(randomBytes(32));

  constructor({ url, connections }) {
    this.#pool = new Pool(url, { connections, pipelining: 1 });
  }

  /** Signs and posts; throws when the answer is not 204. */
  async post(endpoint, id, body) {
    const timestamp = Math.floor(Date.now() / 1000).toString();
    const signature = createHmac('sha256', this.#key).update(`${id}.${timestamp}.`).update(body).digest('base64');
    const answer = await this.#pool.request({
      path: `/e/${endpoint}`,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Webhooks/0.1',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
      body,
    });
    if (answer.statusCode !== 204) throw new Error(`The sink answered ${answer.statusCode}.`);
    await answer.body.dump();
  }

  close() {
    return this.#pool.close();
  }
}
