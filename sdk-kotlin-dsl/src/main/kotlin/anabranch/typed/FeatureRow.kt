package anabranch.typed

import anabranch.backend.Event
import anabranch.error.Bounds
import anabranch.error.DescriptionException
import anabranch.model.Input
import anabranch.model.ModelSpec
import tools.jackson.databind.JsonNode

/**
 * Objects of one class as rows of numbers. For features: the constructor's properties in declared
 * order, a number or a flag (0 or 1) in one column, an enum in one column for each constant, 1 at
 * its own and 0 elsewhere. For records: the property of each field's name, an enum as the number of
 * its constant. Immutable.
 */
internal class FeatureRow<T : Any>(type: Class<T>, spec: ModelSpec) {
  private val shape = Shape(type)
  private val records = spec.input as? Input.Records
  private val properties: List<Shape.Property>

  /** The name of each column, such as `bytes` or `protocol=UDP`. */
  val columns: List<String>

  init {
    shape.properties.forEach(::check)
    Bounds.require(
      spec.encoder == null,
      "model \"${spec.name}\" reads an event of its encoder too, ${shape.name} makes one alone",
    )
    val input = spec.input
    properties = if (input is Input.Records) fields(input, spec.name) else shape.properties
    columns = properties.flatMap { property ->
      property.constants
        .filter { records == null }
        .map { "${property.name}=$it" }
        .ifEmpty { listOf(property.name) }
    }
    if (input is Input.Tokens) {
      throw DescriptionException(
        "${shape.name} makes feature rows, model \"${spec.name}\" takes token ids"
      )
    }
    Bounds.require(
      columns.size == input.numbers(),
      "${shape.name} has ${columns.size} feature columns $columns, " +
        "model \"${spec.name}\" takes ${input.numbers()}",
    )
  }

  private fun check(property: Shape.Property) {
    val wrapper = property.type.rawClass.kotlin.javaObjectType
    Bounds.require(
      Number::class.java.isAssignableFrom(wrapper) ||
        wrapper == Boolean::class.javaObjectType ||
        wrapper.isEnum,
      "${shape.name}.${property.name} is a ${wrapper.simpleName}, not a number, boolean or enum",
    )
  }

  /** Returns the properties in the order of a record's fields. */
  private fun fields(input: Input.Records, model: String): List<Shape.Property> {
    val names = input.fields.map { it.name() }
    for (property in shape.properties) {
      Bounds.require(
        property.name in names,
        "${shape.name}.${property.name} is not a field of model \"$model\": $names",
      )
    }
    return input.fields.map { field ->
      val property = shape.properties.find { it.name == field.name() }
      property
        ?: throw DescriptionException(
          "${shape.name} lacks field \"${field.name()}\" of model \"$model\""
        )
      val constants = property.constants.size
      val levels = (field as? Input.Field.Category)?.levels() ?: 0
      Bounds.require(
        constants == 0 || constants == levels,
        "${shape.name}.${field.name()} has $constants constants, " +
          if (levels == 0) "its field is a number" else "its field $levels levels",
      )
      property
    }
  }

  /** Returns one event whose rows are these objects. */
  fun event(objects: List<T>): Event {
    val values = FloatArray(objects.size * columns.size)
    var next = 0
    for (one in objects) {
      val read = shape.read(one)
      for (property in properties) {
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
      if (records != null) {
        into[at] = own.toFloat()
        return at + 1
      }
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
