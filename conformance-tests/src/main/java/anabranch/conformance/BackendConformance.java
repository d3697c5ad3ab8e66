package anabranch.conformance;

/**
 * The tests of every backend: extend this class, return the backend, and run it with JUnit.
 *
 * <pre>{@code
 * class OnnxConformanceTest extends BackendConformance {
 *   @Override public Backend backend() { return new OnnxBackend(); }
 * }
 * }</pre>
 */
public abstract class BackendConformance
    implements AnswersChapter,
        RoutingChapter,
        PointsChapter,
        BypassChapter,
        RowsChapter,
        BatchChapter,
        StateChapter,
        SystemsChapter,
        RecordedChapter,
        EngineChapter,
        LifecycleChapter {
  /** Creates the kit; JUnit does. */
  protected BackendConformance() {}
}
