/// The family name of a Chinese full name: its first character, or two of a compound name (复姓).
enum FamilyName {
  /// Those that are common enough to meet.
  private static let compound: Set<String> = [
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "长孙", "慕容", "司徒", "令狐", "夏侯",
    "轩辕", "钟离", "宇文", "闻人", "端木", "百里", "申屠", "太史", "公羊", "赫连", "澹台", "濮阳", "淳于",
    "单于", "公冶", "仲孙", "鲜于", "闾丘", "司空", "亓官", "南宫", "独孤", "拓跋", "呼延", "西门", "第五",
  ]

  static func of(_ name: String) -> String {
    let two = String(name.prefix(2))
    // Of two characters the second is the given name.
    return name.count > 2 && compound.contains(two) ? two : String(name.prefix(1))
  }
}
