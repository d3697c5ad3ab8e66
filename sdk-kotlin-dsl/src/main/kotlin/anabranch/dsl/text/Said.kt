package anabranch.dsl.text

private const val COLUMNS = 100

/** A piece of source: one line if it fits, else one argument a line. */
internal class Said(
  private val word: String,
  private val arguments: List<Argument> = listOf(),
  private val calls: List<Said> = listOf(),
  private val body: List<Said>? = null,
) {
  class Argument(val name: String?, val value: Said)

  private fun flat(): String {
    val inside = arguments.joinToString { (it.name?.let { name -> "$name = " } ?: "") + it.value }
    val call =
      if (arguments.isEmpty() && body != null && calls.isEmpty()) word else "$word($inside)"
    return if (arguments.isEmpty() && word.endsWith(LITERAL)) word.dropLast(1) else call
  }

  override fun toString(): String = flat() + chained()

  private fun chained() =
    if (calls.isEmpty()) "" else calls.joinToString("", prefix = " { it", postfix = " }") { ".$it" }

  /** Writes this behind what stands in its line already. */
  fun write(indent: Int, before: String, after: String, into: StringBuilder) {
    val end = if (body != null) " {" else after
    val line = before + this
    if (indent + line.length + end.length <= COLUMNS || arguments.isEmpty() && calls.isEmpty()) {
      into.line(indent, line + end)
    } else {
      val broken = indent + before.length + flat().length + end.length > COLUMNS
      val short = broken && indent + 1 + chained().length + after.length <= COLUMNS
      val behind = if (calls.isEmpty()) end else if (short) chained() + after else " {"
      writeArguments(indent, before, behind, into)
      if (calls.isNotEmpty() && !short) writeCalls(indent, after, into)
    }
    body?.let {
      it.forEach { each -> each.write(indent + 2, "", "", into) }
      into.line(indent, "}$after")
    }
  }

  private fun writeArguments(indent: Int, before: String, end: String, into: StringBuilder) {
    if (indent + before.length + flat().length + end.length <= COLUMNS) {
      into.line(indent, before + flat() + end)
      return
    }
    into.line(indent, "$before$word(")
    for (each in arguments) {
      each.value.write(indent + 2, each.name?.let { "$it = " } ?: "", ",", into)
    }
    into.line(indent, ")$end")
  }

  private fun writeCalls(indent: Int, after: String, into: StringBuilder) {
    into.line(indent + 2, "it")
    calls.forEach { it.write(indent + 4, ".", "", into) }
    into.line(indent, "}$after")
  }

  private fun StringBuilder.line(indent: Int, text: String) {
    append(" ".repeat(indent)).append(text).append('\n')
  }

  internal companion object {
    private const val LITERAL = '\u0000'

    fun literal(text: String) = Said(text + LITERAL)
  }
}

/** Collects the arguments of one word; those that are what the word assumes are left out. */
internal class Words(private val word: String) {
  private val arguments = mutableListOf<Said.Argument>()
  private val calls = mutableListOf<Said>()

  fun each(vararg values: Any?) = apply {
    values.forEach { arguments += Said.Argument(null, valueOf(it)) }
  }

  fun with(name: String, value: Any?) = apply {
    arguments += Said.Argument(name, valueOf(value))
  }

  fun unless(usual: Any?, name: String, value: Any?) = apply {
    if (value != usual) with(name, value)
  }

  fun more(name: String, vararg values: Any?) = apply { calls += Words(name).each(*values).said() }

  fun said(body: List<Said>? = null) = Said(word, arguments, calls, body)
}
