import Testing

@testable import Stages

@Suite struct FamilyNameTests {
  @Test(arguments: [
    ("王某", "王"), ("王某某", "王"), ("欧阳某", "欧阳"), ("欧阳", "欧"), ("司马某某", "司马"), ("", ""),
    ("阿某·某", "阿"),
  ])
  func familyNames(_ name: String, _ family: String) {
    #expect(FamilyName.of(name) == family)
  }
}
