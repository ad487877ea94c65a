/**
 * Files of a few hundred bytes that belong between other operations of a job: what is about to be done is written down before it is,
 * and what was done after it, without going back and forth between threads.
 */
export interface FileOps {
  /** Makes or overwrites it, with mode 0600. Nothing is left of one that could not be written whole. */
  'file.write': { fields: { path: string; text: string }; value: undefined }
  /** rename(2): over what is at `to`. */
  'file.move': { fields: { from: string; to: string }; value: undefined }
  /** Nothing happens where there is none. */
  'file.remove': { fields: { path: string }; value: undefined }
}
