// @grpc/grpc-js against the gateway in front of the echo service: grpc.mjs HOST:PORT TOKEN [CA-FILE]
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import grpc from '@grpc/grpc-js';
import { call, clientOf, serviceNames } from './contracts.mjs';

const [address, token, authority] = process.argv.slice(2);
const credentials = authority
  ? grpc.credentials.createSsl(readFileSync(authority))
  : grpc.credentials.createInsecure();
const Echo = 'souk.echo.v1.EchoService';

const names = await serviceNames(address, credentials);
assert(names.includes(Echo) && names.includes('grpc.health.v1.Health'), names.join());
const echo = await clientOf(address, credentials, Echo);
assert.equal(echo.Internal, undefined, 'an internal RPC is shown');

const thing = await call(echo, 'GetThing', { thing_id: 't1' });
assert.equal(thing.thing_id, 't1');

// An error keeps its code, its text and its details.
const refused = await call(echo, 'Fail', { code: 9, reason: 'OUT_OF_STOCK', message: 'nür 3 %' }).catch(e => e);
assert.equal(refused.code, grpc.status.FAILED_PRECONDITION);
assert.equal(refused.details, 'nür 3 %');
const details = refused.metadata.get('grpc-status-details-bin')[0].toString('latin1');
assert(details.includes('OUT_OF_STOCK') && details.includes('google.rpc.ErrorInfo'));

const strange = await call(echo, 'CreateThing', { thing: {} }).catch(e => e);
assert.equal(strange.code, grpc.status.UNAUTHENTICATED);
const late = await call(echo, 'Fail', { delay_ms: 20000 }, undefined, { deadline: Date.now() + 300 }).catch(e => e);
assert.equal(late.code, grpc.status.DEADLINE_EXCEEDED);

// A stream that ends well, one that fails, and one that the client leaves.
const seen = [];
for await (const message of echo.WatchThings({ count: 5 })) seen.push(message.name);
assert.deepEqual(seen, ['thing 0', 'thing 1', 'thing 2', 'thing 3', 'thing 4']);
const broken = await new Promise(resolve => echo.WatchThings({ count: -1 }).on('data', () => {}).on('error', resolve));
assert.equal(broken.code, grpc.status.ABORTED);
const left = echo.WatchThings({ count: 1, hold: true });
left.on('data', () => left.cancel());
assert.equal((await new Promise(resolve => left.on('error', resolve))).code, grpc.status.CANCELLED);

// Both directions at once, and one answer to many.
const metadata = new grpc.Metadata();
metadata.set('authorization', `Bearer ${token}`);
const talk = echo.TalkThings(metadata);
const answers = [];
talk.on('data', answer => {
  answers.push(answer.name);
  if (answers.length < 3) talk.write({ name: `${answers.length}` });
  else talk.end();
});
talk.write({ name: '0' });
await new Promise((resolve, reject) => talk.on('end', resolve).on('error', reject));
assert.deepEqual(answers, ['0!', '1!', '2!']);
const total = await new Promise((resolve, reject) => {
  const collect = echo.CollectThings((error, reply) => (error ? reject(error) : resolve(reply.total)));
  for (let at = 0; at < 20; at++) collect.write({ name: `${at}` });
  collect.end();
});
assert.equal(total, 20);

// Many calls at once share one connection.
const many = await Promise.all(Array.from({ length: 200 }, (_, at) => call(echo, 'GetThing', { thing_id: `${at}` })));
assert.deepEqual(many.map(one => one.thing_id), many.map((_, at) => `${at}`));
echo.close();
console.log('ok');
