/** Of a document, or of the configuration of the daemon. */
export async function schema({ daemon }: { daemon?: boolean }): Promise<number> {
  const made = daemon
    ? (await import('../../daemon/config.js')).daemonSchema()
    : (await import('../../spec/document.js')).specSchema()
  console.log(JSON.stringify(made, null, 2))
  return 0
}
