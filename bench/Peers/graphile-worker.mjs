import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { message } from './messages.mjs';
import { Sender } from './post.mjs';
import { inSlices, serve } from './session.mjs';

const logger = new Logger(() => (level, text) => level === 'error' && console.error(text));

let producing;

await serve(import.meta.filename, {
  async prepare({ database }) {
    const utils = await makeWorkerUtils({ connectionString: database, logger });
    await utils.migrate();
    await utils.release();
  },

  async work(settings) {
    const sender = new Sender(settings);
    const { database, pool, concurrentJobs, localQueue, completeDelay } = settings;
    const runner = await run({
      logger,
      noHandleSignals: true,
      preset: {
        worker: {
          connectionString: database,
          maxPoolSize: pool,
          concurrentJobs,
          pollInterval: 500,
          localQueue: { size: localQueue },
          completeJobBatchDelay: completeDelay,
          failJobBatchDelay: completeDelay,
        },
      },
      taskList: {
        async deliver(envelope) {
          await sender.post(envelope.data.n % settings.endpoints, envelope.id, JSON.stringify(envelope));
            },
      },
    });
    return {
      async stop() {
        await runner.stop();
      },
    };
  },

  // add_jobs gives back every row that it wrote; the workers' own helper reads them all, this asks for none of them.
  async produce(settings, from, to) {
    producing ??= new pg.Pool({ connectionString: settings.database, max: settings.inserters });
    const sql = 'SELECT count(*)::int FROM graphile_worker.add_jobs(array(SELECT json_populate_recordset(null::graphile_worker.job_spec, $1::json)), false)';
    return await inSlices(from, to, settings.insertSize, settings.inserters, async (first, end) => {
      const jobs = Array.from({ length: end - first }, (_, i) => ({ identifier: 'deliver', payload: message(first + i, settings.endpoints) }));
      return (await producing.query(sql, [JSON.stringify(jobs)])).rows[0].count;
    });
  },
});
