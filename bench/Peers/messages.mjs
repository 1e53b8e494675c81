// The same bodies of about 1 KB that the dispatcher sends: the envelope as an object, which is what a job's data is.
import { randomUUID } from 'node:crypto';

const text = Array.from({ length: 77 }, (_, i) => `${i % 10}abcdefghi`).join('');
const endpointIds = [];

/** Message n of a run, for endpoint n modulo the number of endpoints. */
export function message(n, endpoints) {
  const endpoint = n % endpoints;
  return {
    id: `evt_${randomUUID().replaceAll('-', '')}`,
    type: 'order.paid',
    timestamp: '2026-11-21T03:00:00.000Z',
    endpoint: (endpointIds[endpoint] ??= `ep_${randomUUID().replaceAll('-', '')}`),
    epoch: 1,
    seq: Math.floor(n / endpoints) + 1,
    data: { n, text },
  };
}
