import highsModule, { type Highs } from 'highs'
import type { Strategy } from '../planner.ts'
import { restoreSnapshot, type Search } from '../search.ts'
import type { LinearProgram } from './linear-program.ts'
import { buildModel, readSolution } from './model.ts'
import { removableLinks } from './topology-rows.ts'

/** What the solver proved about the input that it was given last. */
export type Proof = {
  status: 'Optimal' | 'Infeasible' | 'Stopped'
  /** No plan has a higher score (net of the cost of change). */
  bound: number
  columns: number
  rows: number
}

export type ExactOptions = { timeLimitSeconds: number; onProof?: (proof: Proof) => void }

/** The package declares a CommonJS default, and exports the function itself to ES modules. */
const loadHighs = highsModule as unknown as typeof highsModule.default

type Solution = { proof: Proof; values: ArrayLike<number> | undefined }

/** The presolver of HiGHS 1.x ends with an error on a few small programs that it solves without. */
const solve = (highs: Highs, program: LinearProgram, timeLimitSeconds: number): Solution => {
  try {
    return run(highs, program, { time_limit: timeLimitSeconds })
  } catch {
    return run(highs, program, { time_limit: timeLimitSeconds, presolve: 'off' })
  }
}

type Options = { time_limit: number; presolve?: 'off' }

const run = (highs: Highs, program: LinearProgram, options: Options): Solution =>
  highs.withModel(
    {
      numCols: program.columns,
      numRows: program.rows,
      sense: highs.constants.objectiveSense.maximize,
      colCost: Float64Array.from(program.cost),
      colLower: Float64Array.from(program.lower),
      colUpper: Float64Array.from(program.upper),
      rowLower: Float64Array.from(program.rowLower),
      rowUpper: Float64Array.from(program.rowUpper),
      matrix: {
        format: 'csr',
        numRows: program.rows,
        numCols: program.columns,
        starts: Int32Array.from(program.starts),
        indices: Int32Array.from(program.indices),
        values: Float64Array.from(program.values),
      },
      integrality: program.integer.map((integer) =>
        integer ? highs.constants.variableType.integer : highs.constants.variableType.continuous,
      ),
    },
    (model): Solution => {
      model.options.set({ output_flag: false, mip_rel_gap: 1e-6, mip_abs_gap: 1e-9, ...options })
      model.run()
      const status = model.getModelStatus()
      const size = { columns: program.columns, rows: program.rows }
      const { optimal, infeasible, unboundedOrInfeasible } = highs.constants.modelStatus
      if (status === infeasible || status === unboundedOrInfeasible)
        return { proof: { status: 'Infeasible', bound: Number.NEGATIVE_INFINITY, ...size }, values: undefined }
      const bound = Number(model.info.get('mip_dual_bound'))
      const found = Number(model.info.get('primal_solution_status')) === 2
      const values = found ? Float64Array.from(model.getSolution().colValue) : undefined
      return { proof: { status: status === optimal ? 'Optimal' : 'Stopped', bound, ...size }, values }
    },
  )

/** Score that is the same for every solution: links that no decision changes, and changes that a path can only take back. */
const constantScore = ({ state, evaluator }: Search): number =>
  state.problem.input.networks.reduce((sum, { objective }, n) => {
    const changes = state.problem.costs.perLinkChange * removableLinks(state, n).length
    if (objective !== 'MinimumCost') return sum - changes
    const cost = [...state.topology.kept(n)].reduce((total, link) => total + state.problem.linkCost[link]!, 0)
    return sum - changes + evaluator.perUnit[n]! * cost
  }, 0)

/**
 * The exact strategy: a mixed-integer program, solved by HiGHS (Huangfu & Hall, "Parallelizing the dual revised simplex
 * method", Math. Prog. Comp. 10, 2018). For tests and benchmarks; not part of the operator.
 * @throws TooLargeError from the strategy, if the program would be too large to build.
 */
export const loadExact = async (options: ExactOptions): Promise<Strategy> => {
  const highs = await loadHighs()
  return (search) => {
    const { state, evaluator } = search
    const constant = constantScore(search)
    for (const strict of [true, false]) {
      const model = buildModel(state, evaluator.perUnit, strict)
      const { proof, values } = solve(highs, model.program, options.timeLimitSeconds)
      search.evaluations++
      options.onProof?.({ ...proof, bound: proof.bound + constant })
      if (values) {
        restoreSnapshot(state, readSolution(model, values))
        search.offer()
        return
      }
      if (proof.status === 'Stopped') return
    }
  }
}
