/** Announcing a node where clients look for it. */
export { type Announcement, type AnnouncementOptions, announce } from "./announcement.js";
