package anabranch.typed

import anabranch.error.Bounds
import anabranch.error.DescriptionException
import tools.jackson.core.JacksonException
import tools.jackson.databind.DeserializationFeature
import tools.jackson.databind.JavaType
import tools.jackson.databind.JsonNode
import tools.jackson.databind.introspect.BeanPropertyDefinition
import tools.jackson.databind.json.JsonMapper
import tools.jackson.databind.node.ObjectNode
import tools.jackson.module.kotlin.kotlinModule

/** What the constructor of a class asks for, in declared order. Thread-safe. */
internal class Shape<T : Any>(private val type: Class<T>) {
  // One for each shape: a shared one would hold on to classes of an application that is gone.
  private val mapper: JsonMapper =
    JsonMapper.builder()
      .addModule(kotlinModule())
      .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
      .build()

  val name: String = type.simpleName
  val properties: List<Property> = constructorProperties()

  init {
    Bounds.require(
      properties.isNotEmpty(),
      "$name has no constructor with named properties: use a data class or a record",
    )
  }

  /** Returns the properties of an object by name. */
  fun read(value: T): ObjectNode =
    try {
      mapper.valueToTree(value)
    } catch (unreadable: JacksonException) {
      throw DescriptionException("$name cannot be read: ${unreadable.originalMessage}", unreadable)
    }

  /** Returns the object with these properties. */
  fun make(values: Map<String, Any>): T =
    try {
      mapper.convertValue(values, type)
    } catch (refused: JacksonException) {
      throw DescriptionException("$name cannot be made: ${refused.originalMessage}", refused)
    }

  private fun constructorProperties(): List<Property> {
    val config = mapper.deserializationConfig()
    val introspector = config.classIntrospectorInstance().forOperation(config)
    val java = mapper.constructType(type)
    return introspector
      .introspectForDeserialization(java, introspector.introspectClassAnnotations(java))
      .findProperties()
      .filter(BeanPropertyDefinition::hasConstructorParameter)
      .sortedBy { it.constructorParameter.index }
      .map { Property(it.name, it.primaryType, it.isRequired, constantsOf(it.primaryType)) }
  }

  private fun constantsOf(type: JavaType): List<String> =
    type.rawClass.enumConstants.orEmpty().map { mapper.valueToTree<JsonNode>(it).asString() }

  /**
   * One property.
   *
   * @property required whether a value must be given, and not null
   * @property constants their names in declared order; empty unless the type is an enum
   */
  class Property(
    val name: String,
    val type: JavaType,
    val required: Boolean,
    val constants: List<String>,
  )
}
