package anabranch.dsl.text

import anabranch.model.Embedding
import anabranch.model.layer.Activation
import anabranch.model.layer.FeedForward
import anabranch.model.layer.Mixture
import anabranch.model.layer.Norm
import anabranch.model.plan.Head
import anabranch.model.position.Rotary
import anabranch.model.route.Capacity
import anabranch.model.route.Router
import anabranch.model.route.Selection
import java.lang.reflect.RecordComponent

/** Returns a value as Kotlin says it: by a word of the language, else by its constructor. */
internal fun valueOf(value: Any?): Said =
  when (value) {
    is Said -> value
    is Router -> routerOf(value)
    is Record -> wordFor(value) ?: constructed(value)
    is List<*> -> Words("listOf").each(*value.toTypedArray()).said()
    is Enum<*> -> Said.literal(named(value.declaringJavaClass) + "." + value.name)
    is String -> Said.literal(quoted(value))
    is Double -> Said.literal(number(value))
    is Long -> Said.literal(if (value == Long.MIN_VALUE) "Long.MIN_VALUE" else "${value}L")
    else -> Said.literal(value.toString())
  }

private fun wordFor(value: Record): Said? =
  when (value) {
    is Norm.Layer -> Words("layerNorm").unlessFirst(1e-5, value.epsilon)
    is Norm.Rms -> Words("rmsNorm").unlessFirst(1e-6, value.epsilon)
    is Rotary ->
      if (value != Rotary(value.base)) null else Words("rotary").unlessFirst(10_000.0, value.base)
    is Head.Hidden ->
      Words("hidden").each(value.inner).unless(Activation.TANH, "activation", value.activation)
    is Mixture.Specials ->
      Words("specials")
        .unless(0, "zeros", value.zeros)
        .unless(0, "identities", value.identities)
        .unless(0, "constants", value.constants)
    is Mixture.Shared ->
      Words("shared").network(value.network).unless(false, "weighed", value.weighed)
    is Embedding.Sinusoids -> Words("sinusoids").unlessFirst(0, value.offset)
    is Embedding.Ngrams ->
      Words("ngrams")
        .each(*value.orders.toTypedArray())
        .with("buckets", value.buckets)
        .with("inner", value.inner)
        .with("begin", value.begin)
    is Selection.TopK -> Words("topK").each(value.k).unless(null, "secondary", value.secondary)
    is Capacity.Size.Fixed -> Words("rows").each(value.rows)
    else -> null
  }?.said()

private fun Words.unlessFirst(usual: Any, value: Any) = if (value == usual) this else each(value)

/** Says what all networks have, in the order of the language. */
internal fun Words.network(network: FeedForward): Words =
  each(network.inner)
    .unless(Activation.GELU, "activation", network.activation)
    .unless(false, "gated", network.gated)
    .unless(false, "bias", network.bias)
    .unless(null, "limit", network.limit)

private fun constructed(value: Record): Said {
  val parts = value.javaClass.recordComponents.map { part(it, value) }
  return Words(named(value.javaClass)).each(*parts.toTypedArray()).said()
}

private fun part(component: RecordComponent, of: Record): Any? = component.accessor.invoke(of)

/** The name of a type as seen from its package, such as `Gate.Normalise`. */
private fun named(type: Class<*>): String = type.name.substringAfterLast('.').replace('$', '.')

private fun number(value: Double): String = value.toString().replace(".0E", "E").replace('E', 'e')

internal fun quoted(text: String): String {
  val inside = text.map { char ->
    when {
      char == '"' || char == '\\' || char == '$' -> "\\$char"
      char < ' ' -> "\\u%04x".format(char.code)
      else -> char.toString()
    }
  }
  return inside.joinToString("", "\"", "\"")
}
