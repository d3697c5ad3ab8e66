package anabranch.typed

import anabranch.backend.Event
import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.Input
import anabranch.model.ModelSpec
import tools.jackson.databind.JsonNode

/**
 * Objects of one class as rows of features: its constructor's properties in declared order, a
 * number or a flag (0 or 1) in one column, an enum in one column for each constant, 1 at its own
 * and 0 elsewhere. Immutable.
 */
internal class FeatureRow<T : Any>(type: Class<T>, spec: ModelSpec) {
  private val shape = Shape(type)

  /** The name of each column, such as `bytes` or `protocol=UDP`. */
  val columns: List<String> =
    shape.properties.flatMap { property ->
      property.constants.map { "${property.name}=$it" }.ifEmpty { listOf(property.name) }
    }

  init {
    for (property in shape.properties) {
      val wrapper = property.type.rawClass.kotlin.javaObjectType
      Bounds.require(
        Number::class.java.isAssignableFrom(wrapper) ||
          wrapper == Boolean::class.javaObjectType ||
          wrapper.isEnum,
        "${shape.name}.${property.name} is a ${wrapper.simpleName}, not a number, boolean or enum",
      )
    }
    val input = spec.input
    if (input !is Input.Features) {
      throw DescriptionException(
        "${shape.name} makes feature rows, model \"${spec.name}\" takes token ids"
      )
    }
    Bounds.require(
      columns.size == input.features,
      "${shape.name} has ${columns.size} feature columns $columns, " +
        "model \"${spec.name}\" takes ${input.features}",
    )
  }

  /** Returns one event whose rows are these objects. */
  fun event(objects: List<T>): Event {
    val values = FloatArray(objects.size * columns.size)
    var next = 0
    for (one in objects) {
      val read = shape.read(one)
      for (property in shape.properties) {
        next = write(property, read.get(property.name), values, next)
      }
    }
    return Event.ofFeatures(columns.size, *values)
  }

  private fun write(property: Shape.Property, node: JsonNode?, into: FloatArray, at: Int): Int {
    val field = "${shape.name}.${property.name}"
    if (node == null || node.isNull) {
      throw DescriptionException("$field ${node ?: "is missing"} is not a number, boolean or enum")
    }
    val constants = property.constants
    if (constants.isNotEmpty()) {
      val own = constants.indexOf(node.asString())
      Bounds.require(own >= 0, "$field $node is not one of $constants")
      into[at + own] = 1f
      return at + constants.size
    }
    into[at] = if (node.isBoolean) (if (node.booleanValue()) 1f else 0f) else finite(field, node)
    return at + 1
  }

  private fun finite(field: String, node: JsonNode): Float {
    Bounds.require(node.isNumber, "$field $node is not a number")
    val value = node.numberValue().toFloat()
    Bounds.require(value.isFinite(), "$field ${node.asString()} is not a finite fp32 number")
    return value
  }
}
