// The system has no more threads for a process: its jobs are refused, and it goes on.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const module = new URL('../../dist/kernel/native.js', import.meta.url).href

/** RLIMIT_NPROC is no limit for root, and pids.max is not ours to set: in the place of the C library's, once the file is there. */
const shim = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*main)(void*), void* argument) {
  static __typeof__(&pthread_create) real;
  if (real == NULL) real = (__typeof__(&pthread_create))dlsym(RTLD_NEXT, "pthread_create");
  return access(getenv("NO_THREADS"), F_OK) == 0 ? EAGAIN : real(thread, attributes, main, argument);
}
`

test('a job that no thread can be had for is refused as a fault; the next has one again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'egressd-threads-'))
  try {
    const [source, library, file] = ['shim.c', 'shim.so', 'refuse'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(source, shim)
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl'])
    const script = `
      import { rmSync, writeFileSync } from 'node:fs'
      const { nativeKernel } = await import(${JSON.stringify(module)})
      const door = nativeKernel.open()
      const make = { op: 'netns.create', as: 1, hold: false }
      writeFileSync(process.env.NO_THREADS, '')
      const told = [await door.run([make, make]), await door.run([make], door.prepare()), ...await door.runAll([[make], []], true)]
      rmSync(process.env.NO_THREADS)
      told.push(await door.run([{ ...make }]))
      await door.close()
      console.log(JSON.stringify(told.map(job => job.map(({ ok, skipped, fault }) => fault ? fault.call + ' ' + fault.errno : ok || skipped))))`
    const env = {
      ...process.env,
      LD_PRELOAD: [process.env.LD_PRELOAD, library].filter(Boolean).join(' '),
      NO_THREADS: file,
    }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
    const refused = 'pthread_create EAGAIN'
    expect(JSON.parse(stdout)).toEqual([[refused, true], [refused], [refused], [], [true]])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
