import { PgBoss } from 'pg-boss';
import { message } from './messages.mjs';
import { Sender } from './post.mjs';
import { inSlices, serve } from './session.mjs';

const queue = 'webhooks';

function boss({ database, pool, notify }) {
  const instance = new PgBoss({ connectionString: database, max: pool, useListenNotify: notify, schedule: false });
  instance.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  return instance;
}

let producing;

async function producer(settings) {
  const instance = boss({ ...settings, notify: false });
  await instance.start();
  return instance;
}

await serve(import.meta.filename, {
  async prepare(settings) {
    const once = boss(settings);
    await once.start();
    await once.createQueue(queue, { notify: settings.notify });
    await once.stop({ graceful: false });
  },

  async work(settings) {
    const instance = boss(settings);
    await instance.start();
    const sender = new Sender(settings);
    const { batchSize, localConcurrency } = settings;
    // Without burstWhenBatchFull a worker waits for the next NOTIFY after each batch, and a backlog stays where it is for 30 s at a time.
    const options = {
      batchSize, localConcurrency, perJobResults: true, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5,
    };
    await instance.work(queue, options, async (jobs) => await Promise.all(jobs.map(async ({ id, data }) => {
      await sender.post(data.data.n % settings.endpoints, data.id, JSON.stringify(data));
      return { id, status: 'completed' };
    })));
    return {
      async stop() {
        await instance.stop({ graceful: true, timeout: 30_000 });
      },
    };
  },

  async produce(settings, from, to) {
    const instance = await (producing ??= producer(settings));
    // It gives no ids back unless asked, which is faster; it throws when it stores less than all.
    return await inSlices(from, to, settings.insertSize, settings.inserters, async (first, end) => {
      await instance.insert(queue, Array.from({ length: end - first }, (_, i) => ({ data: message(first + i, settings.endpoints) })));
      return end - first;
    });
  },
});
