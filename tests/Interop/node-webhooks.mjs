// Answers requests, one JSON object a line, with what the published libraries say. One process serves the whole test run.
import { createInterface } from 'node:readline';
import * as standardwebhooks from 'standardwebhooks';
import * as svix from 'svix';

const libraries = { standardwebhooks, svix };

function answer({ call, library, secret, id, timestamp, headers, body }) {
  const webhook = new libraries[library].Webhook(secret);
  const payload = Buffer.from(body, 'base64');
  if (call === 'sign') return { signature: webhook.sign(id, new Date(timestamp * 1000), payload) };
  try {
    webhook.verify(payload, headers);
    return { valid: true };
  } catch (error) {
    // Only a refusal is an answer; anything else (a body that is no JSON, a mistake in here) must not look like one.
    if (error instanceof libraries[library].WebhookVerificationError) return { valid: false, reason: error.message };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let result;
  try {
    result = answer(request);
  } catch (error) {
    result = { error: String(error) };
  }
  process.stdout.write(JSON.stringify({ number: request.number, ...result }) + '\n');
}
