import { specSchema } from '../../spec/document.js'

export async function schema(): Promise<number> {
  console.log(JSON.stringify(specSchema(), null, 2))
  return 0
}
