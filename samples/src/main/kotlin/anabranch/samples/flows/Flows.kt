package anabranch.samples.flows

import java.nio.file.Path

private const val FIRST_UNSEEN = 2_000_000

/**
 * Judges simulated traffic of hosts that the model was not trained on. The argument says how many
 * hosts; 100 without.
 */
fun main(arguments: Array<String>) {
  val hosts = arguments.firstOrNull()?.toInt() ?: 100
  val flows = (FIRST_UNSEEN until FIRST_UNSEEN + hosts).flatMap(Traffic::of).sortedBy(Flow::time)
  println(
    "%,d flows of %d simulated hosts, each judged with the window it ends".format(flows.size, hosts)
  )
  val backend = System.getProperty("flows.backend", "onnx")
  val verdicts = judge(flows, flowsRecipe(backend, Path.of("models/flows.safetensors")))
  print(table(verdicts))
}

/** Returns what a person wants to know, class by class. */
fun table(verdicts: List<Verdict>): String = buildString {
  appendLine(
    "%-14s %8s %8s %10s %12s %28s"
      .format(
        "class",
        "windows",
        "found",
        "of alarms",
        "layers run",
        "otherwise than at full depth",
      )
  )
  for (kind in Kind.values()) {
    val own = verdicts.filter { it.kind() == kind.ordinal }
    val said = verdicts.count { it.said() == kind.ordinal }
    val found = own.count { it.said() == kind.ordinal }
    appendLine(
      "%-14s %,8d %8s %10s %12.2f %28s"
        .format(
          kind.name.lowercase().replace('_', ' '),
          own.size,
          percent(found, own.size),
          percent(found, said),
          own.map(Verdict::depth).average(),
          percent(own.count { it.said() != it.atFull() }, own.size),
        )
    )
  }
  val right = verdicts.count { it.said() == it.kind() }
  val full = verdicts.count { it.atFull() == it.kind() }
  appendLine()
  appendLine(
    "right: ${percent(right, verdicts.size)}, at full depth ${percent(full, verdicts.size)}"
  )
  appendLine(
    "arithmetic: ${percent(verdicts.sumOf { it.flops() }, verdicts.sumOf { it.fullFlops() })} of full depth"
  )
  for (depth in 1..3) {
    val there = verdicts.count { it.depth() == depth }
    appendLine("left behind layer $depth: ${percent(there, verdicts.size)}")
  }
  val first = verdicts.count { it.depth() == 1 && it.said() == it.atFull() }
  appendLine(
    "One layer is enough for ${percent(first, verdicts.size)} of this traffic, which is simulated."
  )
}

private fun percent(some: Number, all: Number): String =
  if (all.toLong() == 0L) "-" else "%.2f %%".format(100 * some.toDouble() / all.toDouble())
