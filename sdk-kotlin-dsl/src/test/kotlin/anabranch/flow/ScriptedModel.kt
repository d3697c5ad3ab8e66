package anabranch.flow

import anabranch.backend.Activations
import anabranch.backend.Event
import anabranch.backend.LoadedModel
import anabranch.backend.Numerics
import anabranch.backend.Rows
import anabranch.backend.SequenceState
import anabranch.backend.Stage
import anabranch.backend.StageBatch
import anabranch.backend.StageResult
import anabranch.backend.StateImage
import anabranch.backend.Trace
import anabranch.model.ModelSpec
import anabranch.model.facts.Cut
import anabranch.model.facts.Point
import anabranch.model.facts.StageSpec
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.IntBuffer

/**
 * A model without attention whose numbers the test writes down.
 *
 * @property logits the answer of a row at a stage
 * @property score its score there
 * @property before hears of every call, and may hold it
 */
class ScriptedModel(
  private val spec: ModelSpec,
  private val score: (Event, position: Int, stage: Int) -> Float = { _, _, _ -> 0f },
  private val before: (StageBatch) -> Unit = {},
  private val logits: (Event, position: Int, stage: Int) -> FloatArray,
) : LoadedModel {
  @Volatile var closed = false

  override fun spec() = spec

  override fun numerics() =
    Numerics(Numerics.Kind.BITWISE_BATCH_INVARIANT, 0.0, 0.0, "script", "fp32", listOf())

  override fun stages(): List<Stage> = Cut.of(spec).stages.map { Stage { batch -> run(it, batch) } }

  override fun newState(memory: Rows?): SequenceState = error("no stage keeps state")

  override fun restore(image: StateImage): SequenceState = error("no stage keeps state")

  override fun close() {
    closed = true
  }

  private fun run(stage: StageSpec, batch: StageBatch): StageResult {
    before(batch)
    val ofItem = stage.point.pool().ofItem()
    val units =
      batch.spans().flatMap { span ->
        val rows = if (ofItem) 0..0 else 0 until span.rows().size()
        rows.map { span.rows().event(it) to span.rows().position(it) }
      }
    return object : StageResult {
      val answers = units.map { (event, position) -> logits(event, position, stage.index) }

      override fun rows() = Handle

      val leaves = stage.point is Point.AtExit

      override fun scores(): FloatBuffer =
        FloatBuffer.wrap(
          FloatArray(units.size) {
            if (leaves) score(units[it].first, units[it].second, stage.index) else Float.NaN
          }
        )

      override fun labels(): IntBuffer = IntBuffer.allocate(0)

      override fun output(units: IntArray, into: ByteBuffer) {
        units.forEach { unit -> answers[unit].forEach(into::putFloat) }
      }

      override fun trace() = Trace.none()

      override fun close() {}
    }
  }

  private object Handle : Activations {
    override fun bytes() = 0L

    override fun close() {}
  }
}
