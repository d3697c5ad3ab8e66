package example.scorer

import anabranch.backend.Event
import anabranch.dsl.open
import anabranch.engine.Backends
import anabranch.engine.Engine
import anabranch.engine.Inference
import anabranch.engine.Item
import anabranch.json.Descriptions
import anabranch.weights.Safetensors
import example.host.Score
import java.nio.file.Path
import java.util.function.Function
import kotlin.math.exp
import kotlin.math.ln

/**
 * Scores a line by the bits that the model needs for each of its bytes. Weights and policy lie
 * beside the jar of this class.
 *
 * Thread-safe. Closing answers the lines that were accepted and frees the model.
 */
class SurpriseScorer : Function<String, Score>, AutoCloseable {
  private val engine = open(folder())

  override fun apply(line: String): Score {
    val windows = "$line\n".toByteArray().toList().chunked(WINDOW)
    val answers = engine.submitAll(windows.map { Item.of(line, event(it)) })
    val bits = windows.zip(answers) { window, answer -> bits(window, answer.join()) }
    return Score(bits.sum() / windows.sumOf { it.size })
  }

  override fun close() = engine.close()
}

private fun folder(): Path =
  Path.of(SurpriseScorer::class.java.protectionDomain.codeSource.location.toURI()).parent

private fun open(folder: Path): Engine =
  Safetensors.open(folder.resolve("surprise.safetensors")).use { weights ->
    val policy = Descriptions.policy(folder.resolve("policy.json"))
    Backends.named("onnx").open(surpriseModel, weights, policy)
  }

/** Each row holds the byte before the one it predicts. */
private fun event(window: List<Byte>): Event =
  Event.ofTokens(BEGIN, *window.dropLast(1).map { it.toUByte().toInt() }.toIntArray())

private fun bits(window: List<Byte>, answer: Inference): Double =
  window.indices.sumOf { row ->
    val logits = FloatArray(answer.outputs()).also(answer.logits(row)::get)
    val most = logits.max()
    val sum = logits.sumOf { exp((it - most).toDouble()) }
    (ln(sum) + most - logits[window[row].toUByte().toInt()]) / ln(2.0)
  }
