// How the bench drives a peer: the settings come as the first line of standard input, then "go FROM TO", more than once, then "stop"; each is answered by a line.
// The end of standard input ends the peer, however the bench ended. A peer is { prepare, work, produce }:
//   prepare(settings)               makes what is made once, outside the measured time
//   work(settings)                  starts a worker; gives { stop() }, which ends when all of its completions are stored
//   produce(settings, from, to)     enqueues the messages of these numbers, as fast as it can, and gives how many the database took
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export async function serve(script, peer) {
  if (process.send) return await assist(peer);

  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value ?? process.exit(0);
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');
  const settings = JSON.parse(await next());
  await peer.prepare(settings);

  // Workers beyond the first, and the producer if the setting says so, are processes of their own: Node has one thread for all of it.
  const others = Array.from({ length: (settings.workerProcesses ?? 1) - 1 }, () => new Assistant(script));
  const producer = settings.producer === 'own' ? new Assistant(script) : undefined;
  const worker = await peer.work(settings);
  await Promise.all(others.map((other) => other.ask({ call: 'work', settings })));
  await producer?.ask({ call: 'hello' });
  say({ ready: true });

  for (let line = await next(); line !== 'stop'; line = await next()) {
    const [from, to] = line.split(' ').slice(1).map(Number);
    say({ enqueued: producer ? await producer.ask({ call: 'produce', settings, from, to }) : await peer.produce(settings, from, to) });
  }

  await Promise.all([worker.stop(), ...others.map((other) => other.ask({ call: 'stop' }))]);
  say({ stopped: true });
  process.exit(0);
}

/** Runs numbers from..to in slices, several at once, and adds up what each gives. */
export async function inSlices(from, to, size, atOnce, run) {
  let [next, sum] = [from, 0];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < to) {
      const first = next;
      const end = (next = Math.min(to, first + size));
      const done = await run(first, end);
      sum += done;
    }
  }));
  return sum;
}

class Assistant {
  constructor(script) {
    this.process = fork(script, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.process.on('exit', (code) => code && process.exit(code));
  }

  async ask(call) {
    this.process.send(call);
    return (await once(this.process, 'message'))[0];
  }
}

async function assist(peer) {
  let worker;
  process.on('disconnect', () => process.exit(0));
  process.on('message', async ({ call, settings, from, to }) => {
    if (call === 'work') worker = await peer.work(settings);
    if (call === 'stop') await worker.stop();
    process.send(call === 'produce' ? await peer.produce(settings, from, to) : 0);
  });
}
