package anabranch.samples.surprise;

import anabranch.samples.text.Line;

/**
 * Draws the lines that run a second time, at full depth: by a hash of source and number, so that
 * every run draws the same ones. Stateless.
 */
final class Auditor {
  /** One line in this many is drawn. */
  static final int ONE_IN = 16;

  private Auditor() {}

  static boolean draws(Line line) {
    long h = line.source().hashCode() * 31L + line.number();
    h = (h ^ (h >>> 30)) * 0xbf58476d1ce4e5b9L;
    h = (h ^ (h >>> 27)) * 0x94d049bb133111ebL;
    return Long.remainderUnsigned(h ^ (h >>> 31), ONE_IN) == 0;
  }
}
