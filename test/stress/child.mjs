// A process that takes steps on an Egress as its parent says, one message each, and answers each with what came of it.
// The shim is loaded into it: it may be killed at any system call, or see it fail.
import { takeStep } from './steps.mjs'

const bundle = process.env.EGRESSD_TEST_BUNDLE // of dist/
const { Egress, isEgressError } = await import(`${bundle}/index.js`)

let egress
const told = error =>
  isEgressError(error)
    ? { code: error.code, message: error.message, errno: error.fault?.errno, left: error.left ?? [] }
    : { code: null, message: String(error?.stack ?? error), left: [] }

async function act({ act, options, step }) {
  if (act === 'open') egress = await Egress.open(options)
  else if (act === 'close') await egress?.close()
  else return takeStep(egress, step)
}

process.on('message', message => {
  act(message).then(
    value => process.send({ value: value ?? null }),
    error => process.send({ error: told(error) }),
  )
})
process.send({ ready: true })
