// swift-tools-version: 6.1
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  // A twentieth of all instructions. Debug builds, which run the tests, check exclusivity.
  .unsafeFlags(
    ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
    .when(configuration: .release)),
]

let package = Package(
  name: "outreachd",
  products: [
    .executable(name: "outreachd", targets: ["outreachd"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // C libraries from Debian.
    .systemLibrary(
      name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .target(
      name: "CSimdJSON",
      cxxSettings: [.define("NDEBUG"), .unsafeFlags(["-O2"])],
      linkerSettings: [.linkedLibrary("simdjson")]),

    // The pure core. An arrow points down only.
    .target(name: "Vocabulary", swiftSettings: strict),
    .target(name: "Expression", dependencies: ["Vocabulary"], swiftSettings: strict),
    .target(name: "Streaming", dependencies: ["Vocabulary"], swiftSettings: strict),
    .target(name: "Records", dependencies: ["Streaming", "Vocabulary"], swiftSettings: strict),
    .target(
      name: "Policy",
      dependencies: ["Expression", "Vocabulary", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "Intake", dependencies: ["Policy", "Records", "Streaming", "Vocabulary", "CSimdJSON"],
      swiftSettings: strict),
    .target(
      name: "Situation", dependencies: ["Policy", "Expression", "Records", "Vocabulary"],
      swiftSettings: strict),
    .target(
      name: "Stages",
      dependencies: [
        "Situation", "Policy", "Records", "Streaming", "Vocabulary",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: strict),

    // The shell: files, Kafka, clocks, threads.
    .target(
      name: "StateStore", dependencies: ["CLMDB", "Streaming", "Vocabulary"], swiftSettings: strict),
    .target(
      name: "KafkaIO",
      dependencies: ["CRdKafka", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .target(
      name: "Runtime",
      dependencies: [
        "Intake", "Stages", "Policy", "Records", "Streaming", "StateStore", "KafkaIO",
        "Vocabulary",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(
      name: "Simulation", dependencies: ["Runtime", "StateStore", "Streaming", "Vocabulary"],
      swiftSettings: strict),
    .target(name: "City", dependencies: ["Vocabulary"], swiftSettings: strict),
    .target(
      name: "PolicyTools",
      dependencies: [
        "Expression", "Intake", "Policy", "Runtime", "Stages", "Streaming", "Vocabulary",
      ],
      swiftSettings: strict),
    .target(
      name: "Operations",
      dependencies: [
        "KafkaIO", "Policy", "Vocabulary", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "outreachd",
      dependencies: [
        "Runtime", "Simulation", "City", "KafkaIO", "StateStore", "Operations", "Stages", "Intake",
        "Policy", "PolicyTools", "Expression", "Records", "Streaming", "Vocabulary",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    // Random histories in two orders: a few in the tests, very many in a release build of
    // `order-proof`.
    .target(
      name: "Histories",
      dependencies: ["Runtime", "Intake", "Stages", "Policy", "Records", "Streaming", "Vocabulary"],
      path: "Tests/Histories", swiftSettings: strict),
    .executableTarget(
      name: "order-proof", dependencies: ["Histories", "Policy", "Stages"], path: "Tests/OrderProof",
      swiftSettings: strict),

    .testTarget(
      name: "StateStoreTests", dependencies: ["StateStore", "Streaming", "Vocabulary"],
      swiftSettings: strict),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "Runtime", "Simulation", "StateStore", "Streaming", "Vocabulary", "KafkaIO",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RecordsTests", dependencies: ["Records", "Streaming", "Vocabulary"],
      swiftSettings: strict),
    .testTarget(
      name: "StagesTests", dependencies: ["Stages", "Records", "Streaming", "Vocabulary"],
      swiftSettings: strict),
    .testTarget(
      name: "ScenarioTests",
      dependencies: [
        "Histories", "City", "Simulation", "StateStore", "Runtime", "Intake", "Stages",
        "Situation", "Records", "Policy", "PolicyTools", "Streaming", "Vocabulary",
      ],
      exclude: ["Golden", "Semantics"], swiftSettings: strict),
    .testTarget(name: "VocabularyTests", dependencies: ["Vocabulary"], swiftSettings: strict),
    .testTarget(
      name: "CityTests", dependencies: ["City", "Vocabulary"], swiftSettings: strict),
    .testTarget(
      name: "CityIntakeTests",
      dependencies: ["City", "Intake", "Policy", "Streaming", "Vocabulary"],
      swiftSettings: strict),
    .testTarget(
      name: "PolicyTests", dependencies: ["Policy", "Expression", "Vocabulary"],
      swiftSettings: strict),
    .testTarget(
      name: "PolicyToolsTests", dependencies: ["PolicyTools", "Policy", "Vocabulary"],
      swiftSettings: strict),
    .testTarget(
      name: "IntakeTests",
      dependencies: [
        "Intake", "Policy", "Records", "Streaming", "Vocabulary", "CSimdJSON",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "OperationsTests",
      dependencies: [
        "Operations", "KafkaIO", "Policy", .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CommandTests", dependencies: ["outreachd"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "KafkaIOTests",
      dependencies: ["KafkaIO", "CRdKafka", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),
    .testTarget(
      name: "ExpressionTests", dependencies: ["Expression", "Vocabulary"], swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)
