package anabranch.samples.app

import anabranch.backend.Event
import anabranch.dsl.open
import anabranch.engine.Backends
import anabranch.samples.surprise.surpriseModel
import anabranch.samples.surprise.surprisePolicy
import anabranch.weights.Safetensors
import java.nio.file.Path
import java.util.concurrent.atomic.AtomicInteger
import kotlin.io.path.readLines
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.runBlocking

private const val BEGIN = 256
private const val LONGEST = 127

/** Returns the first bytes of a line as the model reads them. */
fun eventOf(line: String): Event =
  Event.ofTokens(BEGIN, *line.toByteArray().take(LONGEST).map { it.toUByte().toInt() }.toIntArray())

/** Scores the lines of a file for somebody who looks at ten a second and leaves after twenty. */
fun main(arguments: Array<String>) = runBlocking {
  val lines = Path.of(arguments.firstOrNull() ?: "text/odd/Orders.java").readLines()
  val taken = AtomicInteger()
  Safetensors.open(Path.of("models/surprise.safetensors"))
    .use { Backends.named("onnx").open(surpriseModel, it, surprisePolicy) }
    .use { engine ->
      lines
        .filter(String::isNotBlank)
        .asFlow()
        .onEach { taken.incrementAndGet() }
        .map(::eventOf)
        .scoredBy(engine)
        .take(20)
        .collect { scored ->
          delay(100)
          println("%6.2f bits per byte: %s".format(scored.bitsPerByte, text(scored.event)))
        }
    }
  println("took $taken of ${lines.size} lines")
}

private fun text(event: Event): String =
  ByteArray(event.rows() - 1) { event.token(it + 1).toByte() }.decodeToString()
