package anabranch.samples.next;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.common.state.CheckpointListener;

/**
 * Passes answers on, and fails once behind the first checkpoint, as a machine might. Confined to a
 * task.
 */
final class Stumble implements MapFunction<Answer, Answer>, CheckpointListener {
  private static final long serialVersionUID = 1L;
  private static final Map<String, AtomicInteger> FALLS = new ConcurrentHashMap<>();

  private final String job;
  private boolean checkpointed;

  Stumble(String job) {
    this.job = job;
    FALLS.put(job, new AtomicInteger());
  }

  /** Returns how often a job failed, in this JVM. */
  static int falls(String job) {
    return FALLS.getOrDefault(job, new AtomicInteger()).get();
  }

  @Override
  public Answer map(Answer answer) {
    if (checkpointed && FALLS.get(job).compareAndSet(0, 1)) {
      throw new IllegalStateException("failed on purpose");
    }
    return answer;
  }

  @Override
  public void notifyCheckpointComplete(long id) {
    checkpointed = true;
  }
}
