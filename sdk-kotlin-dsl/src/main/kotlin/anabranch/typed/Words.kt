package anabranch.typed

import anabranch.engine.Inference
import kotlin.math.exp

/** One thing that can be said of a unit of an inference, and the types that can hold it. */
internal class Word(val kind: Kind, val of: Said.() -> Any?)

/**
 * The unit that is spoken of, and the ids of its model's exits, by the step behind which they are.
 */
internal class Said(val inference: Inference, val unit: Int, val exits: Map<Int, String>)

/** The types that can hold a word. */
internal enum class Kind(val words: String, private vararg val types: Class<*>) {
  WHOLE("an Int or a Long", Int::class.javaObjectType, Long::class.javaObjectType),
  REAL("a Float or a Double", Float::class.javaObjectType, Double::class.javaObjectType),
  TEXT("a String", String::class.java),
  REALS(
    "a List or an array of Float or Double",
    FloatArray::class.java,
    DoubleArray::class.java,
    List::class.java,
  );

  fun holds(property: Shape.Property): Boolean {
    val type = property.type
    return type.rawClass.kotlin.javaObjectType in types &&
      (type.rawClass != List::class.java || type.contentType.rawClass in REAL.types)
  }
}

/** What an answer may have, by property name. */
internal val WORDS: Map<String, Word> =
  mapOf(
    "label" to Word(Kind.WHOLE) { inference.label(unit) },
    "probability" to Word(Kind.REAL) { probabilities()[inference.label(unit)] },
    "probabilities" to Word(Kind.REALS) { probabilities() },
    "logits" to Word(Kind.REALS) { logits() },
    "depth" to Word(Kind.WHOLE) { inference.depth(unit) },
    "exit" to Word(Kind.TEXT) { exits[inference.exit(unit)] },
    "score" to Word(Kind.REAL) { inference.score(unit) },
    "flops" to Word(Kind.WHOLE) { inference.flops() },
    "fullFlops" to Word(Kind.WHOLE) { inference.fullFlops() },
    "nanos" to Word(Kind.WHOLE) { inference.nanos() },
    "item" to Word(Kind.TEXT) { inference.item() },
    "policy" to Word(Kind.TEXT) { inference.policy() },
    "model" to Word(Kind.TEXT) { inference.model() },
  )

private fun Said.logits(): List<Double> {
  val logits = inference.logits(unit)
  return List(inference.outputs()) { logits.get(it).toDouble() }
}

private fun Said.probabilities(): List<Double> {
  val logits = logits()
  val largest = logits.max()
  val powers = logits.map { exp(it - largest) }
  val sum = powers.sum()
  return powers.map { it / sum }
}
