/**
 * This room is for counting what an engine does, and for handing the counts to a library of
 * metrics; it is not for deciding anything: whatever is counted, every answer is the same.
 *
 * <p>An {@link anabranch.engine.metrics.EngineMetrics} listens to one engine. {@link
 * anabranch.engine.metrics.MicrometerBinder} shows it to Micrometer and is the only class here that
 * needs it. Every name is in {@code docs/metrics.md}.
 *
 * <p>Deliberately small: nothing is sampled, so there are no distributions of single scores or of
 * routers' entropies; the engine has no guard band, no calibration, no alarm for drift and no
 * audits but those of mode {@code RESULT_ONLY}, so there is no metric of them; it does not pad;
 * items that were refused before they were accepted are not counted.
 */
@NullMarked
package anabranch.engine.metrics;

import org.jspecify.annotations.NullMarked;
