/**
 * Replaces the dialer of WebSockets in a build for pages.
 */
import type { DialWebSocket, WebSocketLike } from "../connection/websocket-dialer.js";

export const webSocketDialer = (): DialWebSocket => (url) => new WebSocket(url) as WebSocketLike;
