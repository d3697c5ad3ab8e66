package anabranch.flink.keyed;

import anabranch.flink.step.Share;
import java.time.Duration;

/** A model under which sequences began, while it is held. Confined to the task's thread. */
final class HeldModel {
  final Share share;
  final Patience patience;

  /** How many records run. */
  int running;

  /** Whether a record had it since the last barrier. */
  boolean needed = true;

  HeldModel(Share share, Duration timeout) {
    this.share = share;
    patience = new Patience(share, timeout);
  }

  String version() {
    return share.recipe().version();
  }
}
