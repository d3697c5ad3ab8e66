package anabranch.samples.picture

import java.util.Locale

/** The colours of the page, by the colours that stand for them in a plot, which knows no CSS. */
private val PAINTS =
  listOf("ink", "quiet", "rule", "paper", "depth0", "depth1", "depth2", "warm") +
    listOf("load0", "load1", "load2", "load3", "load4", "onload0", "onload1")

private val NUMBER = Regex("""(?<=["( ,MLl])-?\d+\.\d+(E-?\d+)?(?=[") ,LMZ])""")
private val STAND_IN = Regex("""rgb\(10,11,(\d+)\)|#0a0b([0-9a-f]{2})""")

/** Returns the colour that stands for a colour of the page. */
internal fun paint(name: String): String = "#0a0b%02x".format(PAINTS.indexOf(name) + 1)

/**
 * Returns an exported plot as part of a page: with the page's colours and fonts, as wide as its
 * place, with ids that are its own, and without what changes from run to run.
 */
internal fun forPage(name: String, exported: String): String {
  var svg = exported.replace(Regex("<style.*?</style>", RegexOption.DOT_MATCHES_ALL), "")
  val size = checkNotNull(Regex("""width="([\d.]+)" height="([\d.]+)"""").find(svg))
  val (width, height) = size.destructured
  svg = svg.replace(size.value, """viewBox="0 0 $width $height" aria-hidden="true"""")
  svg = svg.replace(Regex(""" (xmlns(:xlink)?|clip-bounds-jfx)="[^"]*""""), "")
  Regex("""id="([^"]+)"""")
    .findAll(svg)
    .map { it.groupValues[1] }
    .distinct()
    .toList()
    .forEachIndexed { i, id ->
      svg = svg.replace("\"$id\"", "\"$name$i\"").replace("(#$id)", "(#$name$i)")
    }
  svg =
    svg.replace(STAND_IN) {
      val (decimal, hex) = it.destructured
      "var(--${PAINTS[(decimal.toIntOrNull() ?: hex.toInt(16)) - 1]})"
    }
  return svg
    .lines()
    .map { it.trim() }
    .joinToString("") { if (it.startsWith("<")) shorter(it) else it }
}

/** Returns a tag whose numbers have at most one decimal place, of a unit that is a pixel. */
private fun shorter(tag: String) =
  tag.replace(NUMBER) { "%.1f".format(Locale.ROOT, it.value.toDouble()).removeSuffix(".0") }
