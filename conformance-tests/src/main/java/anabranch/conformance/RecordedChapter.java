package anabranch.conformance;

import anabranch.conformance.golden.Recorded;
import anabranch.conformance.golden.RecordedTrial;
import anabranch.conformance.trial.Subject;
import org.junit.jupiter.api.Test;

/**
 * Published code is the witness: recorded models answer and decide as their originals did, to
 * {@link anabranch.conformance.golden.recorded.Finding#BAR}.
 */
public interface RecordedChapter extends Subject {
  /** Intent: what a published mixture picks, weighs and says, also when a text goes on. */
  @Test
  @Rule({"D11", "R2", "R3", "R5", "A21", "A25"})
  default void recordedMixturesPickAndAnswerAsTheirOriginals() {
    RecordedTrial.answers(this, Recorded.GPT_OSS, Recorded.DEEPSEEK_V3);
  }

  /** Intent: single layers, one whose experts are in a table, one that runs a few of its blocks. */
  @Test
  @Rule({"D11", "R1", "R4.3"})
  default void recordedLayersRunTheExpertsThatTheirOriginalsRan() {
    RecordedTrial.answers(this, Recorded.HASH_LAYER_FFN, Recorded.ACM_MLP);
  }

  /** Intent: who had no room in the original has none here, at three sizes. */
  @Test
  @Rule({"D11", "R6", "A22", "I8"})
  default void recordedCapacitiesDropWhatTheirOriginalsDropped() {
    RecordedTrial.answers(this, Recorded.SWITCH_TRANSFORMERS);
  }

  /** Intent: what was skipped there is skipped here, and read as it was read there. */
  @Test
  @Rule({"D11", "A13", "R13"})
  default void recordedRowsSkipWhatTheirOriginalsSkipped() {
    RecordedTrial.answers(this, Recorded.MINDSKIP_LLAMA, Recorded.SKIP_MIDDLE);
  }

  /** Intent: items leave where they left there, and say what they said there at each exit. */
  @Test
  @Rule({"D11", "X4", "X16"})
  default void recordedItemsLeaveWhereTheirOriginalsLeft() {
    RecordedTrial.answers(this, Recorded.PABEE_BERT);
  }

  /** Intent: recorded lines in a batch, alone, row by row and carried as images. */
  @Test
  @Rule({"D6", "D8", "D11", "S6"})
  default void recordedLinesAnswerAlikeHoweverTheyCome() {
    RecordedTrial.continues(
        this,
        Recorded.GPT_OSS,
        Recorded.DEEPSEEK_V3,
        Recorded.SWITCH_TRANSFORMERS,
        Recorded.MINDSKIP_LLAMA,
        Recorded.SKIP_MIDDLE);
  }
}
