package example.scorer

import anabranch.dsl.model
import anabranch.dsl.ngrams
import anabranch.dsl.preNorm
import anabranch.model.ModelSpec
import anabranch.model.layer.Activation.RELU_SQUARED
import anabranch.model.layer.Norm
import anabranch.model.route.Routers.switchTop1

internal const val WINDOW = 128
internal const val BEGIN = 256

/** The model of the sample `surprise`: it predicts the next byte of a text. */
internal val surpriseModel: ModelSpec =
  model("surprise", width = 128, norms = preNorm(Norm.Layer(1e-5))) {
    tokens(vocabulary = 257, maxLength = WINDOW)
    embedding(
      positions = true,
      ngrams = ngrams(2, 3, 4, buckets = 8192, inner = 64, begin = BEGIN),
    )
    layers(6) {
      attention(heads = 4)
      experts(8, inner = 256, router = switchTop1(), activation = RELU_SQUARED)
    }
    exit("early", after = 2)
    exit("middle", after = 4)
    head(outputs = 256, bias = true)
  }
