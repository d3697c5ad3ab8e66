@file:JvmName("Charts")

package anabranch.samples.picture

import java.util.Locale
import org.jetbrains.letsPlot.Stat
import org.jetbrains.letsPlot.commons.encoding.RGBEncoder
import org.jetbrains.letsPlot.coord.coordFlip
import org.jetbrains.letsPlot.core.util.PlotSvgExportCommon
import org.jetbrains.letsPlot.geom.geomBar
import org.jetbrains.letsPlot.geom.geomLine
import org.jetbrains.letsPlot.geom.geomPoint
import org.jetbrains.letsPlot.geom.geomText
import org.jetbrains.letsPlot.geom.geomTile
import org.jetbrains.letsPlot.ggsize
import org.jetbrains.letsPlot.intern.Feature
import org.jetbrains.letsPlot.intern.Plot
import org.jetbrains.letsPlot.intern.toSpec
import org.jetbrains.letsPlot.label.xlab
import org.jetbrains.letsPlot.label.ylab
import org.jetbrains.letsPlot.letsPlot
import org.jetbrains.letsPlot.scale.scaleColorManual
import org.jetbrains.letsPlot.scale.scaleFillManual
import org.jetbrains.letsPlot.scale.scaleXContinuous
import org.jetbrains.letsPlot.scale.scaleXDiscrete
import org.jetbrains.letsPlot.scale.scaleYContinuous
import org.jetbrains.letsPlot.scale.scaleYDiscrete
import org.jetbrains.letsPlot.themes.elementBlank
import org.jetbrains.letsPlot.themes.elementLine
import org.jetbrains.letsPlot.themes.elementText
import org.jetbrains.letsPlot.themes.theme
import tools.jackson.databind.JsonNode

private val DEPTHS = listOf(paint("depth0"), paint("depth1"), paint("depth2"))

/** Returns the share of bytes that left at each exit, as SVG. */
fun exits(root: JsonNode): String {
  val exits = root.at("/exits").toList()
  val names = exits.map { "after ${it["after"].asInt()}" }
  val data =
    mapOf(
      "exit" to names,
      "share" to exits.map { it["share"].asDouble() },
      "label" to exits.map { percent(it["share"].asDouble()) },
    )
  return svg(
    "exits",
    letsPlot(data) {
      x = "exit"
      y = "share"
    } +
      geomBar(stat = Stat.identity, width = 0.62, size = 0.0) { fill = "exit" } +
      geomText(hjust = 0, nudgeY = 0.015, size = 6, color = paint("ink")) { label = "label" } +
      scaleFillManual(DEPTHS, limits = names) +
      scaleXDiscrete(limits = names.reversed()) +
      scaleYContinuous(
        format = ".0%",
        limits = 0.0 to 1.0,
        breaks = listOf(0, 0.25, 0.5, 0.75, 1),
      ) +
      coordFlip() +
      xlab("") +
      ylab("share of the bytes"),
    height = 220,
  )
}

/** Returns where bytes of few and of many bits left, as SVG. */
fun exitsByBits(root: JsonNode): String {
  val names = root.at("/exits").toList().map { "after ${it["after"].asInt()}" }
  val bins = root.at("/exitsByBits").toList().filter { it["bytes"].asLong() > 0 }
  val labels = bins.map(::range)
  val data =
    mapOf(
      "bits" to labels.flatMap { label -> names.map { label } },
      "exit" to bins.flatMap { names },
      "share" to bins.flatMap { bin -> bin["shares"].toList().map { it.asDouble() } },
    )
  return svg(
    "exitsByBits",
    letsPlot(data) {
      x = "bits"
      y = "share"
      fill = "exit"
    } +
      geomBar(stat = Stat.identity, width = 0.86, size = 0.0) +
      scaleFillManual(DEPTHS, limits = names) +
      scaleXDiscrete(limits = labels) +
      scaleYContinuous(
        format = ".0%",
        limits = 0.0 to 1.0,
        breaks = listOf(0, 0.25, 0.5, 0.75, 1),
      ) +
      xlab("bits of the byte, from") +
      ylab("share of those bytes"),
    height = 260,
  )
}

/** Returns how the bytes of each block spread over its experts, as SVG. */
fun load(root: JsonNode): String {
  val blocks = root.at("/load").toList()
  val cells = blocks.flatMapIndexed { block, it ->
    it["shares"].toList().mapIndexed { expert, share -> Triple(block, expert, share.asDouble()) }
  }
  val fair = 1.0 / blocks[0]["shares"].size()
  fun level(share: Double) = LEVELS.indexOfLast { share >= it * fair }.coerceAtLeast(0)
  val data =
    mapOf(
      "block" to cells.map { "${it.first}" },
      "expert" to cells.map { "${it.second}" },
      "level" to cells.map { "${level(it.third)}" },
      "side" to cells.map { if (level(it.third) >= 3) "strong" else "weak" },
      "label" to cells.map { String.format(Locale.ROOT, "%.0f", 100 * it.third) },
    )
  return svg(
    "load",
    letsPlot(data) {
      x = "expert"
      y = "block"
    } +
      geomTile(width = 0.94, height = 0.9, size = 0.0) { fill = "level" } +
      geomText(size = 5.5) {
        label = "label"
        color = "side"
      } +
      scaleFillManual(
        LEVELS.indices.map { paint("load$it") },
        limits = LEVELS.indices.map { "$it" },
      ) +
      scaleColorManual(
        listOf(paint("onload0"), paint("onload1")),
        limits = listOf("weak", "strong"),
      ) +
      scaleXDiscrete(limits = blocks[0]["shares"].indices().map { "$it" }) +
      scaleYDiscrete(limits = blocks.indices.map { "$it" }.reversed()) +
      xlab("expert") +
      ylab("block"),
    height = 260,
    grid = false,
  )
}

/** Returns agreement with full depth over the arithmetic spent, as SVG. */
fun curve(root: JsonNode): String {
  val points = root.at("/curve/points").toList()
  val spent = points.map { it["arithmetic"].asDouble() }
  val close = points.map { it["closeLines"].asDouble() }
  val same = points.map { it["sameBytes"].asDouble() }
  val served = points.first { it["shift"].asDouble() == 0.0 }
  val data =
    mapOf(
      "spent" to spent + spent,
      "share" to close + same,
      "what" to spent.map { "close" } + spent.map { "same" },
    )
  val own =
    mapOf(
      "spent" to List(2) { served["arithmetic"].asDouble() },
      "share" to listOf(served["closeLines"].asDouble(), served["sameBytes"].asDouble()),
      "what" to listOf("close", "same"),
    )
  return svg(
    "curve",
    letsPlot(data) {
      x = "spent"
      y = "share"
      color = "what"
    } +
      geomLine(size = 1.1) +
      geomPoint(size = 2.2) +
      geomPoint(own, size = 5, shape = 21, stroke = 1.6, fill = paint("paper")) {
        x = "spent"
        y = "share"
        color = "what"
      } +
      scaleColorManual(listOf(paint("warm"), paint("depth2")), limits = listOf("close", "same")) +
      scaleXContinuous(format = ".0%") +
      scaleYContinuous(format = ".0%") +
      xlab("arithmetic, share of full depth") +
      ylab("share that agrees"),
    height = 260,
  )
}

/** How wide each chart is drawn; the page scales it. */
private const val WIDTH = 360

/** From which multiple of a fair share on a tile is in the level behind. */
private val LEVELS = listOf(0.0, 0.4, 0.8, 1.25, 2.0)

private fun JsonNode.indices() = 0 until size()

private fun percent(share: Double) = String.format(Locale.ROOT, "%.1f %%", 100 * share)

private fun edge(bits: JsonNode) =
  bits.asDouble().toBigDecimal().stripTrailingZeros().toPlainString()

private fun range(bin: JsonNode) = if (bin.has("to")) edge(bin["from"]) else "${edge(bin["from"])}+"

private fun svg(name: String, plot: Plot, height: Int, grid: Boolean = true): String {
  val text = elementText(color = paint("quiet"), size = 13)
  val calm: Feature =
    theme(
        text = text,
        axisText = text,
        axisTitle = text,
        axisLine = elementBlank(),
        axisTicks = elementBlank(),
        panelGridMinor = elementBlank(),
        panelGridMajor =
          if (grid) elementLine(color = paint("rule"), size = 0.6) else elementBlank(),
        plotBackground = elementBlank(),
        panelBackground = elementBlank(),
      )
      .legendPositionNone()
  val whole = plot + calm + ggsize(WIDTH, height)
  return forPage(
    name,
    PlotSvgExportCommon.buildSvgImageFromRawSpecs(whole.toSpec(), null, NoBitmaps, false),
  )
}

/** None of these plots holds a bitmap. */
private object NoBitmaps : RGBEncoder {
  override fun toDataUrl(width: Int, height: Int, argbValues: IntArray): String =
    error("a chart holds a bitmap of $width x $height")
}
