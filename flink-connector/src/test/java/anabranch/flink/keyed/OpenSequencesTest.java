package anabranch.flink.keyed;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.flink.keyed.state.AskedState;
import java.util.List;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

/** What is asked of Flink's state for a sequence that it does not know. */
class OpenSequencesTest {
  /** On RocksDB, to look for pages costs more than to write one. */
  @Test
  void aSequenceThatWasNotWrittenIsNotRemoved() throws Exception {
    AskedState state = new AskedState();
    OpenSequences<Word> sequences =
        new OpenSequences<>(
            state.store(),
            SequenceOptions.defaults(),
            Object::toString,
            () -> 0,
            null,
            open -> new SequenceMetrics(new UnregisteredMetricsGroup(), open::open, open::bytes));
    Line<Word> line = sequences.line("a");
    sequences.know(line);
    sequences.drop(line);
    assertEquals(List.of("value header"), state.calls);
  }
}
