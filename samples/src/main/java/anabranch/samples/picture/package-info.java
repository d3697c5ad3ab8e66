/**
 * This room is for showing what a run found: lines in colour, a page with heat maps and charts, and
 * its figures as JSON; it is not for scoring, and knows neither the model nor the job.
 */
@NullMarked
package anabranch.samples.picture;

import org.jspecify.annotations.NullMarked;
