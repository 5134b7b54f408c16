'use strict';
// What twilio-video.js finds around it in a browser, as far as it needs it here: a WebSocket whose server is the
// scenario, and peer connections whose states are.

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36';

class Target {
  #listeners = new Map();

  addEventListener(name, listener) {
    this.#listeners.set(name, (this.#listeners.get(name) || new Set()).add(listener));
  }

  removeEventListener(name, listener) {
    this.#listeners.get(name)?.delete(listener);
  }

  tell(name, event = {}) {
    [...(this.#listeners.get(name) || [])].forEach((listener) => listener(event));
  }

  forgetListeners() {
    this.#listeners.clear();
  }
}

class FakeWebSocket extends Target {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  static made = () => {};

  constructor() {
    super();
    this.readyState = FakeWebSocket.CONNECTING;
    FakeWebSocket.made(this);
  }

  send() {}

  close(code, reason) {
    if (this.readyState === FakeWebSocket.CLOSED) return;
    this.readyState = FakeWebSocket.CLOSED;
    queueMicrotask(() => this.tell('close', { code, reason }));
  }

  opens() {
    if (this.readyState !== FakeWebSocket.CONNECTING) return;
    this.readyState = FakeWebSocket.OPEN;
    this.tell('open');
  }

  receives(frame) {
    if (this.readyState !== FakeWebSocket.OPEN) return;
    this.tell('message', { data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }

  isClosed(code) {
    if (this.readyState === FakeWebSocket.CLOSED) return;
    this.readyState = FakeWebSocket.CLOSED;
    this.tell('close', { code, reason: '' });
  }
}

class FakePeerConnection extends Target {
  static made = () => {};

  iceConnectionState = 'new';
  connectionState = 'new';
  iceGatheringState = 'new';
  signalingState = 'stable';
  localDescription = null;
  remoteDescription = null;

  constructor() {
    super();
    FakePeerConnection.made(this);
  }

  async createOffer() {
    return { type: 'offer', sdp: 'v=0\r\na=ice-ufrag:x\r\n' };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = 'have-local-offer';
  }

  async getStats() {
    throw new Error('there are none');
  }

  getSenders() {
    return [];
  }

  getTransceivers() {
    return [];
  }

  close() {
    this.signalingState = this.iceConnectionState = this.connectionState = 'closed';
  }

  becomes(property, state) {
    if (this[property] === state || this.signalingState === 'closed') return;
    this[property] = state;
    this.tell(property.toLowerCase().replace('state', 'statechange'));
  }
}

class Description {
  constructor(fields) {
    Object.assign(this, fields);
  }
}

const page = new Target();

Object.assign(globalThis, {
  window: page,
  navigator: { userAgent: BROWSER, onLine: true },
  chrome: {},
  WebSocket: FakeWebSocket,
  MediaStream: class {},
  MediaStreamTrack: class {},
  RTCIceCandidate: Description,
  RTCSessionDescription: Description,
  RTCRtpReceiver: { getCapabilities: () => ({ codecs: [] }) },
});

module.exports = { FakePeerConnection, FakeWebSocket, page };
