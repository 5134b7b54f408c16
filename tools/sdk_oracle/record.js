'use strict';
// Plays the scenarios of a file (docs/scenarios.md) to the real twilio-video.js, whole, in simulated time, and writes
// into the file what it told and how everything stood at last. What it is for: docs/scenarios.md, "Against the SDK".
//
//     cd tools/sdk_oracle && npm ci && node record.js ../../tests/data/sdk_oracle.json
//
// Nothing of the SDK is patched. Its delays are plain: the random number that varies them is 0.

const fs = require('node:fs');
const FakeTimers = require('@sinonjs/fake-timers');
const { FakePeerConnection, FakeWebSocket, page } = require('./fakes');

const START = 1e12;
const BEAT_MS = 4000;
const WELCOME = { type: 'welcome', negotiatedTimeout: 5000 };
const US = { sid: 'PA-us', identity: 'alice' };
const CLOCK = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'];

const loading = FakeTimers.install({ now: START });
const connect = require('twilio-video/lib/connect');
loading.uninstall();

const ROOM_EVENTS = {
  participantConnected: 'participant_connected',
  participantDisconnected: 'participant_disconnected',
  participantReconnecting: 'participant_reconnecting',
  participantReconnected: 'participant_reconnected',
};
const STATES = ['reconnecting', 'reconnected', 'disconnected'];

class Player {
  constructor(scenario) {
    this.scenario = scenario;
    this.told = [];
    this.sockets = [];
    this.peers = [];
    this.named = new Map();
    this.fate = () => {};
    this.clock = FakeTimers.install({ now: START, toFake: CLOCK });
    page.forgetListeners();
    FakePeerConnection.made = (peer) => this.peers.push(peer);
    FakeWebSocket.made = (socket) => {
      this.sockets.push(socket);
      this.fate(socket);
    };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  async play() {
    const random = Math.random;
    Math.random = () => 0;
    try {
      await this.join();
      this.listen();
      this.beat(!/no heartbeats/.test(this.scenario.precondition || ''));
      for (const [ms, kind, value] of this.scenario.stimuli) {
        await Promise.resolve();
        if (this.now < ms) await this.clock.tickAsync(ms - this.now);
        if (kind === 'advance_ms') await this.clock.tickAsync(value);
        else this.do(kind, value);
      }
      await this.clock.tickAsync(0);
      return { told: this.told, final: this.final() };
    } finally {
      Math.random = random;
      this.clock.uninstall();
    }
  }

  get now() {
    return this.clock.now - this.began;
  }

  async until(condition) {
    for (let turns = 0; turns < 100 && !condition(); turns++) await this.clock.tickAsync(0);
  }

  async join() {
    const { session_timeout_s: window = 30, initial_participants: participants = [] } = this.scenario;
    connect('token', {
      name: 'room', tracks: [], iceServers: [], insights: false, logLevel: 'off',
      createLocalTracks: async () => [], RTCPeerConnection: FakePeerConnection,
    }).then((room) => { this.room = room; }, (error) => { throw error; });
    await this.until(() => this.socket);
    this.socket.opens();
    this.socket.receives(WELCOME);
    const options = window === null ? {} : { session_timeout: window };
    this.message({ type: 'connected', session: 'S', sid: 'RM', name: 'room', participant: US, participants, options });
    await this.until(() => this.room);
    this.peers[0].becomes('iceConnectionState', 'connected');
    this.peers[0].becomes('connectionState', 'connected');
    await this.clock.tickAsync(10);
    this.began = this.clock.now;
  }

  listen() {
    const { room, room: { localParticipant: local } } = this;
    const tell = (who, event, identity, error, state) => {
      this.told.push([this.now, who, event, identity, error?.code ?? null, state]);
    };
    const hear = (one) => STATES.forEach((event) => {
      one.on(event, () => tell(`participant:${one.identity}`, event, null, null, one.state));
    });
    room.on('reconnecting', (error) => tell('room', 'reconnecting', null, error, room.state));
    room.on('reconnected', () => tell('room', 'reconnected', null, null, room.state));
    room.on('disconnected', (_, error) => tell('room', 'disconnected', null, error, room.state));
    Object.entries(ROOM_EVENTS).forEach(([name, event]) => {
      room.on(name, (one) => tell('room', event, one.identity, null, one.state));
    });
    STATES.forEach((event) => local.on(event, () => tell('local', event, null, null, local.state)));
    room.participants.forEach(hear);
    // After the room itself has begun to hear of a newcomer: its twin of what they say comes first.
    room._signaling.on('participantConnected', ({ sid }) => hear(room.participants.get(sid)));
  }

  beat(sends) {
    clearInterval(this.beats);
    this.beats = sends && setInterval(() => this.socket.receives({ type: 'heartbeat' }), BEAT_MS);
  }

  message(body) {
    const participants = body.participants?.map((one) => ({ tracks: [], ...one }));
    this.socket.receives({ type: 'msg', body: participants ? { ...body, participants } : body });
  }

  peer(name) {
    if (name === undefined) return this.peers[0];
    if (!this.named.has(name)) {
      const manager = this.room._signaling._peerConnectionManager;
      manager._getOrCreate(`PC-${name}`, manager._configuration);
      this.named.set(name, this.peers.at(-1));
    }
    return this.named.get(name);
  }

  do(kind, value) {
    try {
      this.stimulate(kind, value);
    } catch (error) {
      // An unknown frame is an error event that nobody hears: it ends up in the WebSocket, and changes nothing.
      if (kind !== 'server_frame') throw error;
    }
  }

  stimulate(kind, value) {
    switch (kind) {
      case 'server_ws_close': return this.socket.isClosed(value?.code ?? value ?? 1006);
      case 'ws_open': return this.socket.opens();
      case 'ws_open_and_welcome': this.socket.opens(); return this.socket.receives({ ...WELCOME, ...value });
      case 'server_msg': return this.message(value);
      case 'server_frame': return this.socket.receives(value);
      case 'ice': return this.peer(value.peer).becomes('iceConnectionState', value.state ?? value);
      case 'pc_connection_state': return this.peer(value.peer).becomes('connectionState', value.state ?? value);
      case 'network_change': return page.tell('online');
      case 'app_room_disconnect': return this.room.disconnect();
      case 'policy': return this.follow(value);
      case 'note': return undefined;
      default: throw new Error(`${this.scenario.id}: ${kind} is unknown here`);
    }
  }

  follow(sentence) {
    if (!/WebSocket/.test(sentence)) {
      const again = !/no heartbeats/.test(sentence);
      if (again) this.socket.receives({ type: 'heartbeat' });
      return this.beat(again);
    }
    const after = Number(/(\d+) ms after/.exec(sentence)?.[1] ?? 0);
    const closed = /closed with (\d+)/.exec(sentence);
    const busy = /busy, retryAfter (-?\d+)/.exec(sentence);
    const meets = (socket) => {
      if (closed) return socket.isClosed(Number(closed[1]));
      socket.opens();
      if (busy) socket.receives({ type: 'busy', retryAfter: Number(busy[1]) });
      if (/with bad/.test(sentence)) socket.receives({ type: 'bad' });
      if (/and welcomed/.test(sentence)) socket.receives(WELCOME);
      return undefined;
    };
    this.fate = /unopened/.test(sentence) ? () => {} : (socket) => setTimeout(() => meets(socket), after);
    return undefined;
  }

  final() {
    const participants = [...this.room.participants.values()].map((one) => [one.identity, one.state]);
    return { room: this.room.state, local: this.room.localParticipant.state, participants };
  }
}

async function record(file) {
  const document = JSON.parse(fs.readFileSync(file));
  const lines = [];
  for (const scenario of document.scenarios) {
    lines.push(JSON.stringify({ ...scenario, ...(await new Player(scenario).play()) }));
  }
  const about = JSON.stringify(document.about);
  fs.writeFileSync(file, `{"about": ${about},\n"scenarios": [\n${lines.join(',\n')}\n]}\n`);
}

if (require.main === module) record(process.argv[2]);

module.exports = { Player };
