package anabranch.flink.keyed;

import anabranch.engine.EngineOptions;
import anabranch.flink.recovery.Gate;
import anabranch.flink.recovery.Recovery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.FileUtils;

/**
 * A job whose model breaks once between checkpoints, and what it answered compared with the oracle.
 *
 * @param backend {@code hashmap} or {@code rocksdb}
 */
record Kill(String backend, boolean unaligned, long cacheBytes, int words, long seed) {
  private static final Map<String, Course> COURSES = new ConcurrentHashMap<>();

  /** What happens to one job; its source finds it by name, in the same JVM. */
  static final class Course {
    final AtomicInteger checkpoints = new AtomicInteger();
    final AtomicInteger failures = new AtomicInteger();
    final AtomicInteger answers = new AtomicInteger();

    /** How many words pass at once. */
    volatile int free;

    /** How many words pass in this process, unless the course is open. */
    volatile int most = Integer.MAX_VALUE;

    /** Whether the model is to break, once there are two checkpoints. */
    volatile boolean kills;

    /** Whether the last words wait for that, or for somebody who stops the job. */
    volatile boolean waits = true;

    boolean isOpen() {
      return !waits || kills && checkpoints.get() >= 2;
    }

    /**
     * Lets some words pass, then one each millisecond until there are two checkpoints, and the last
     * tenth only after them: the model breaks on these at the latest.
     */
    private Gate gate(int words) {
      return new Gate(
          passed -> mayPass(passed) && (passed < free || failures.get() > 0),
          passed -> isOpen() || mayPass(passed) && passed < words - words / 10,
          checkpoints::incrementAndGet);
    }

    private boolean mayPass(int number) {
      return number <= most || isOpen();
    }
  }

  /**
   * What came of it.
   *
   * @param lost words without an answer
   * @param doubled answers to words that were answered before
   * @param wrong answers that are not the oracle's
   * @param failures how often the model broke
   * @param repeated how many words were answered again because of that
   */
  record Outcome(int lost, int doubled, int wrong, int failures, int repeated) {
    boolean isExact() {
      return lost == 0 && doubled == 0 && wrong == 0;
    }
  }

  static Course course(String name) {
    return COURSES.computeIfAbsent(name, missing -> new Course());
  }

  static void forget(String name) {
    COURSES.remove(name);
  }

  /** Words of a few speakers, none of which is drawn before it is asked for. */
  static List<Word> words(long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Long> said = new HashMap<>();
    List<Word> words = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      String speaker = "s" + (random.nextInt(3) == 0 ? 0 : random.nextInt(40)) + "-";
      long number = said.merge(speaker, 1L, Long::sum) - 1;
      int[] tokens = random.ints(1 + random.nextInt(2), 0, Talk.TOKENS).toArray();
      words.add(new Word(speaker, number, tokens, random.nextInt(25) == 0));
    }
    return words;
  }

  /** Runs the job in the environment that the caller's cluster provides. */
  Outcome run() throws Exception {
    Talk talk = new Talk();
    Course course = course(talk.name);
    course.free = words / 3;
    course.kills = true;
    talk.before =
        batch -> {
          course.answers.addAndGet(batch.slot() == 0 ? batch.spans().size() : 0);
          if (course.checkpoints.get() >= 2 && course.failures.compareAndSet(0, 1)) {
            throw new LinkageError("broken on purpose");
          }
        };
    Path folder = Files.createTempDirectory("anabranch-kill");
    List<String> answers = new ArrayList<>();
    try (CloseableIterator<String> all =
        job(talk, configuration(folder), 2, words(seed, words)).executeAndCollect()) {
      all.forEachRemaining(answers::add);
    } finally {
      delete(folder);
      forget(talk.name);
    }
    return judge(talk, words(seed, words), answers, course);
  }

  static Outcome judge(Talk talk, List<Word> words, List<String> answers, Course course) {
    Map<String, String> expected = new TreeMap<>();
    talk.expected(words).forEach(text -> expected.put(text.replaceAll(" .*", ""), text));
    Map<String, String> seen = new TreeMap<>();
    int doubled = 0;
    int wrong = 0;
    for (String answer : answers) {
      String name = answer.replaceAll(" .*", "");
      doubled += seen.put(name, answer) == null ? 0 : 1;
      wrong += answer.equals(expected.get(name)) ? 0 : 1;
    }
    return new Outcome(
        expected.size() - seen.size(),
        doubled,
        wrong,
        course.failures.get(),
        course.answers.get() - chunks(words));
  }

  private static int chunks(List<Word> words) {
    return words.stream().mapToInt(word -> word.tokens().length).sum();
  }

  /** A checkpoint that is given up may still be writing when the job is over. */
  private static void delete(Path folder) throws Exception {
    for (int attempts = 100; ; attempts--) {
      try {
        FileUtils.deleteDirectory(folder.toFile());
        return;
      } catch (IOException busy) {
        if (attempts == 0) {
          throw busy;
        }
        Thread.sleep(50);
      }
    }
  }

  SingleOutputStreamOperator<String> job(
      Talk talk, Configuration configuration, int parallelism, List<Word> words) {
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(parallelism);
    env.setMaxParallelism(32);
    Word[] all = words.toArray(Word[]::new);
    String name = talk.name;
    DataGeneratorSource<Word> source =
        new DataGeneratorSource<>(
            n -> all[n.intValue()],
            all.length,
            subtasks -> course(name).gate(all.length),
            TypeInformation.of(Word.class));
    return KeyedSequenceInference.on(
            env.fromSource(source, WatermarkStrategy.noWatermarks(), "words")
                .uid("words")
                .setParallelism(1)
                .keyBy(Word::speaker),
            talk.recipe(EngineOptions.defaults().withLanes(2)))
        .uid("talk")
        .events(Talk::events)
        .numbers(Word::number)
        .ends(Word::last)
        .cacheBytes(cacheBytes)
        .maxHeld(64)
        .map(Talk::text, Types.STRING);
  }

  Configuration configuration(Path folder) {
    Configuration configuration = Recovery.once(unaligned, folder);
    configuration.set(StateBackendOptions.STATE_BACKEND, backend);
    return configuration;
  }
}
