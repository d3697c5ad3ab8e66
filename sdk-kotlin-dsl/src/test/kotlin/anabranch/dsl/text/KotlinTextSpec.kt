package anabranch.dsl.text

import anabranch.dsl.ModelBuilder
import anabranch.dsl.descriptions
import anabranch.dsl.model
import anabranch.dsl.preNorm
import anabranch.dsl.rmsNorm
import anabranch.dsl.rotary
import anabranch.model.ModelSpec
import anabranch.model.layer.Activation
import anabranch.model.route.Routers.mixtral
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.property.RandomSource
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.net.URLClassLoader
import org.jetbrains.kotlin.cli.common.ExitCode
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler

class KotlinTextSpec :
  FunSpec({
    test("whatIsWrittenCompilesAndSaysTheSameModel") {
      val drawn = descriptions().samples(RandomSource.seeded(20_260_101)).map { it.value }
      val specs = drawn.take(60).toList()
      val folder = tempdir()
      specs.forEachIndexed { i, spec ->
        folder.resolve("M$i.kt").writeText("package m$i\n\n" + spec.toKotlin())
      }
      compiled(folder).use { loader ->
        specs.forEachIndexed { i, spec ->
          val described = loader.loadClass("m$i.M${i}Kt").getMethod("describe").invoke(null)
          described shouldBe spec
        }
      }
    }

    test("whatTheLanguageAssumesIsNotSaid") {
      val spec =
        model("moe", width = 64, norms = preNorm(rmsNorm())) {
          tokens(vocabulary = 10, maxLength = 32)
          layers(3) {
            attention(heads = 4, keyValueHeads = 2, rotary = rotary()) { it.withWindow(8) }
            experts(8, inner = 128, mixtral(2), Activation.SILU, gated = true)
          }
          exit("early", after = 2)
          head(outputs = 10)
        }
      spec.toKotlin("moe").lines().dropWhile { it != "" }.joinToString("\n") shouldBe
        """
fun moe(): ModelSpec = model("moe", width = 64, norms = preNorm(rmsNorm())) {
  tokens(vocabulary = 10, maxLength = 32)
  layers(2) {
    attention(heads = 4, keyValueHeads = 2, rotary = rotary()) { it.withWindow(8) }
    experts(8, inner = 128, router = mixtral(2), activation = Activation.SILU, gated = true)
  }
  exit("early") {
    bypass(Bypass.FREEZE_PROJECT)
  }
  layer {
    attention(heads = 4, keyValueHeads = 2, rotary = rotary()) { it.withWindow(8) }
    experts(8, inner = 128, router = mixtral(2), activation = Activation.SILU, gated = true)
  }
  head(outputs = 10)
}
"""
    }

    test("namesAreQuoted") {
      quoted("a\"b\\c\$d\n") shouldBe "\"a\\\"b\\\\c\\\$d\\u000a\""
    }

    test("linesAreAtMostAHundredColumnsWhereTheyCanBeBroken") {
      val drawn = descriptions().samples(RandomSource.seeded(7)).map { it.value }.take(300)
      for (spec in drawn) {
        val longest = spec.toKotlin().lines().maxOf(String::length)
        check(longest <= 100) { spec.toKotlin() }
      }
    }
  })

/** Compiles all files of a folder and returns a loader of what came out. */
private fun compiled(folder: File): URLClassLoader {
  val paths =
    listOf(ModelBuilder::class.java, ModelSpec::class.java, Unit::class.java).map {
      File(it.protectionDomain.codeSource.location.toURI()).path
    }
  val classes = folder.resolve("classes")
  val said = ByteArrayOutputStream()
  val code =
    K2JVMCompiler()
      .exec(
        PrintStream(said),
        "-no-stdlib",
        "-no-reflect",
        "-nowarn",
        "-cp",
        paths.joinToString(File.pathSeparator),
        "-d",
        classes.path,
        folder.path,
      )
  check(code == ExitCode.OK) { said }
  return URLClassLoader(arrayOf(classes.toURI().toURL()), ModelBuilder::class.java.classLoader)
}
