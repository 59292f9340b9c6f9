// undici, an EventSource and a WebSocket client against the gateway: streams.mjs ORIGIN TOKEN
import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { request } from 'undici';
import { WebSocket } from 'ws';

const [origin, token] = process.argv.slice(2);

// undici reads JSON lines.
const { statusCode, headers, body } = await request(`${origin}/api/v1/watch?count=3`);
assert.equal(statusCode, 200);
assert.equal(headers['content-type'], 'application/x-ndjson');
const lines = (await body.text()).split('\n').filter(Boolean).map(line => JSON.parse(line).name);
assert.deepEqual(lines, ['thing 0', 'thing 1', 'thing 2']);

// An EventSource whose connection breaks off comes back by itself and continues behind the last event it saw.
const events = [];
const asked = [];
const source = new EventSource(`${origin}/api/v1/watch?count=-4`, {
  fetch: async (url, init) => {
    asked.push(init.headers['Last-Event-ID'] ?? '');
    const response = await fetch(url, init);
    if (asked.length > 1) return response;
    const whole = await response.text();
    return new Response(whole.slice(0, whole.indexOf('id: 3')), { headers: response.headers });
  },
});
const ending = await new Promise(resolve => {
  source.addEventListener('message', event => events.push([event.lastEventId, JSON.parse(event.data).name]));
  source.addEventListener('problem', event => resolve(JSON.parse(event.data)));
});
source.close();
assert.deepEqual(asked, ['', '2']);
assert.deepEqual(events, [['1', 'thing 0'], ['2', 'thing 1'], ['3', 'thing 2'], ['4', 'thing 3']]);
assert.equal(ending.reason, 'GONE');

// A WebSocket with its token as subprotocol, as browsers do; pings are answered by the client itself.
const talk = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/talk`, ['souk.json.v1', `bearer.${token}`]);
const answers = [];
talk.on('open', () => talk.send('{"name":"0"}'));
talk.on('message', data => {
  answers.push(JSON.parse(data).name);
  talk.send(answers.length < 3 ? JSON.stringify({ name: `${answers.length}` }) : '');
});
assert.deepEqual(await closed(talk), [1000, '']);
assert.equal(talk.protocol, 'souk.json.v1');
assert.deepEqual(answers, ['0!', '1!', '2!']);

const broken = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/watch?count=-1`, ['souk.json.v1']);
const texts = [];
broken.on('message', data => texts.push(JSON.parse(data)));
assert.deepEqual(await closed(broken), [4010, 'GONE']);
assert.equal(texts[1].error.reason, 'GONE');

const stranger = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/talk`, ['souk.json.v1']);
const status = await new Promise(resolve => stranger.on('unexpected-response', (_, answer) => resolve(answer.statusCode)));
stranger.on('error', () => {});
stranger.terminate();
assert.equal(status, 401);
console.log('ok');

function closed(socket) {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code, reason) => resolve([code, reason.toString()]));
  });
}
