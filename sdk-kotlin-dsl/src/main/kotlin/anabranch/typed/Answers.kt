package anabranch.typed

import anabranch.engine.Inference
import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.error.ExecutionException
import anabranch.model.ModelSpec
import anabranch.model.facts.Cut
import anabranch.model.facts.Point

/** The units of an inference as objects of one class, whose properties say what is wanted. */
internal class Answers<T : Any>(type: Class<T>, spec: ModelSpec) {
  private val shape = Shape(type)
  private val exits = buildMap {
    for (step in Cut.of(spec).steps) {
      val point = step.stage.point
      if (point is Point.AtExit) put(step.index, point.exit.id)
    }
  }

  init {
    shape.properties.forEach { check(it, spec.head.outputs) }
  }

  private fun check(property: Shape.Property, outputs: Int) {
    val field = "${shape.name}.${property.name}"
    val word =
      WORDS[property.name]
        ?: throw DescriptionException("$field is none of what an answer has: ${WORDS.keys}")
    if (property.name == "label" && property.constants.isNotEmpty()) {
      val found = property.constants.size
      Bounds.require(found == outputs, "$field has $found constants, the model $outputs outputs")
    } else {
      Bounds.require(
        word.kind.holds(property),
        "$field is a ${property.type.rawClass.simpleName}, not ${word.kind.words}",
      )
    }
    Bounds.require(
      property.name != "exit" || !property.required,
      "$field must be nullable or have a default, for units that leave at the end of the plan",
    )
  }

  /** Returns one object for each unit. */
  fun of(inference: Inference): List<T> =
    List(inference.units()) { unit ->
      try {
        shape.make(valuesOf(Said(inference, unit, exits)))
      } catch (refused: DescriptionException) {
        throw ExecutionException(inference.item(), -1, refused.message.orEmpty(), refused)
      }
    }

  private fun valuesOf(said: Said): Map<String, Any> = buildMap {
    for (property in shape.properties) {
      val value = WORDS.getValue(property.name).of(said) ?: continue
      val isChoice = property.name == "label" && property.constants.isNotEmpty()
      put(property.name, if (isChoice) property.constants[value as Int] else value)
    }
  }
}
