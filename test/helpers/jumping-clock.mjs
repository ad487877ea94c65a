// For `node --import`: the wall clock is set at every look at it, by hours, forth and back.
const hours = [0, 6, -6, 30, -30]
let looks = 0
const off = () => hours[looks++ % hours.length] * 3_600_000

const Real = Date
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + off())
    else super(...given)
  }
  static now() {
    return Real.now() + off()
  }
}
