// fast-check, drawing the same values each time, so that a run that was green stays so. Where EGRESSD_FUZZ_RUNS asks for more of
// them (scripts/fuzz), others each time: the seed is in the report.
import fc from 'fast-check'

const asked = process.env.EGRESSD_FUZZ_RUNS
if (asked === undefined) fc.configureGlobal({ seed: 1 })

/** How many are tried: `usual`, where nothing else is asked for. */
const runs = (usual: number): number => Number(asked ?? usual)

export { fc, runs }
