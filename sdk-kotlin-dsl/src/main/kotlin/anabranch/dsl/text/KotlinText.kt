@file:JvmName("KotlinText")

package anabranch.dsl.text

import anabranch.model.Embedding
import anabranch.model.Input
import anabranch.model.ModelSpec
import anabranch.model.layer.Block
import anabranch.model.layer.Sublayer
import anabranch.model.plan.Plan

/**
 * Returns Kotlin source that describes the same model: imports, and a function of that name without
 * parameters. What the language assumes is left out; layers that are equal are said once. Equal
 * descriptions give equal text.
 *
 * @param function the name of the function, which is not checked
 */
@JvmOverloads
public fun ModelSpec.toKotlin(function: String = "describe"): String {
  val text = StringBuilder(IMPORTS)
  ModelText(this).said().write(0, "fun $function(): ModelSpec = ", "", text)
  return text.toString()
}

private val IMPORTS =
  listOf(
      "dsl",
      "model",
      "model.layer",
      "model.plan",
      "model.position",
      "model.route",
      "model.route.Routers",
    )
    .joinToString("", postfix = "\n") { "import anabranch.$it.*\n" }

/** Says a whole model. */
private class ModelText(private val spec: ModelSpec) {
  private val usual = usualOf(spec)
  private val layers = LayerText(spec.width, usual)

  fun said(): Said {
    val words = Words("model").each(spec.name).with("width", spec.width)
    if (usual != Around(anabranch.model.layer.Norm.Layer(1e-5), null, null, null)) {
      words.with("norms", usual.said())
    }
    return words.said(encoder() + rows(spec.input, spec.embedding) + plan() + head())
  }

  private fun encoder(): List<Said> {
    val encoder = spec.encoder ?: return listOf()
    val inside =
      rows(encoder.input, encoder.embedding) + PlanText(encoder.plan, null, layers).said()
    return listOf(Words("encoder").unless(usual.before, "norm", encoder.norm).said(inside))
  }

  private fun plan() = PlanText(spec.plan, PointText(spec.head, usual, layers), layers).said()

  private fun head() = listOf(PointText(spec.head, usual, layers).head(spec.head))
}

/** The norms that most sublayers have; of as many, those that come first. */
private fun usualOf(spec: ModelSpec): Around {
  val plans = listOfNotNull(spec.encoder?.plan, spec.plan)
  val sublayers = plans.flatMap(Plan::blocks).flatMap(Block::sublayers)
  val counts = sublayers.map { s: Sublayer -> Around(s) }.groupingBy { it }.eachCount()
  return counts.maxBy { it.value }.key
}

private fun rows(input: Input, embedding: Embedding): List<Said> {
  val said =
    when (input) {
      is Input.Tokens -> Words("tokens").with("vocabulary", input.vocabulary)
      is Input.Features -> Words("features").with("count", input.features)
      is Input.Records -> Words("records")
    }.with("maxLength", input.maxLength())
  val words = listOf(said.said((input as? Input.Records)?.fields?.map(::field)))
  if (embedding == Embedding.plain()) return words
  return words +
    Words("embedding")
      .unless(false, "positions", embedding.learnedPositions)
      .unless(null, "ngrams", embedding.ngrams)
      .unless(null, "norm", embedding.norm)
      .unless(null, "multiplier", embedding.multiplier)
      .unless(null, "sinusoids", embedding.sinusoids)
      .said()
}

private fun field(field: Input.Field): Said =
  when (field) {
    is Input.Field.Numeric -> Words("number").each(field.name)
    is Input.Field.Category ->
      Words("category")
        .each(field.name)
        .with("levels", field.levels)
        .unless(0, "unknown", field.unknown)
  }.said()
