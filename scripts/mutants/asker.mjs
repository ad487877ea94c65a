import { fork } from 'node:child_process'

/** Longer than the tests of a group take on a machine that is busy: one that goes on for ever has been noticed, too. */
const patienceMs = 120_000

/** One that answers whether tests pass with a change, one question at a time. */
export class Asker {
  #worker = null
  /** How often there was no answer: it went on for ever, or the process came to its end. */
  silent = 0

  async pass(tests, mutant) {
    this.#worker ??= await this.#start()
    const answer = await this.#next(() => this.#worker.send({ mutant, tests }))
    if (answer === null) {
      this.silent++
      this.end()
    }
    return answer?.ok ?? false
  }

  /** It may be at something that does not end. */
  end() {
    this.#worker?.kill('SIGKILL')
    this.#worker = null
  }

  async #start() {
    this.#worker = fork('scripts/mutants/worker.mjs', { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    if ((await this.#next(() => {})) === null) throw new Error('scripts/mutants/worker.mjs does not begin')
    return this.#worker
  }

  /** What it says next; null where it says nothing more. */
  #next(ask) {
    const worker = this.#worker
    return new Promise(resolve => {
      const end = answer => {
        clearTimeout(timer)
        worker.off('message', end).off('exit', gone)
        resolve(answer)
      }
      const gone = () => end(null)
      const timer = setTimeout(gone, patienceMs)
      worker.once('message', end).once('exit', gone)
      ask()
    })
  }
}
