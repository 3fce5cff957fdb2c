/// Who brings an item to the window.
struct Need: OptionSet, Sendable {
  let rawValue: UInt16
  static let anyone = Need(rawValue: 1)
  static let elder = Need(rawValue: 2)
  static let child = Need(rawValue: 4)
  static let jobless = Need(rawValue: 8)
  static let worker = Need(rawValue: 16)
  static let ill = Need(rawValue: 32)
  static let disabled = Need(rawValue: 64)
  static let aided = Need(rawValue: 128)
  static let poor = Need(rawValue: 256)
  static let newcomer = Need(rawValue: 512)
}

/// An item of business at the community affairs windows.
struct ServiceItem: Sendable {
  /// The line's name in `window.transaction`.
  let line: [UInt8]
  let item: [UInt8]
  let need: Need
  /// Relative frequency among the items of its group.
  let share: Int
  /// Done while the person waits: submitted, accepted, completed within the hour.
  let instant: Bool
  /// Contract `itemCode`; everyday items have one that no pack lists.
  var code: [UInt8]

  init(
    _ line: String, _ item: String, _ need: Need, share: Int = 5, instant: Bool = false,
    code: String = ""
  ) {
    self.line = Array(line.utf8)
    self.item = Array(item.utf8)
    self.need = need
    self.share = share
    self.instant = instant
    self.code = Array(code.utf8)
  }
}

/// The items whose use signals a need (54 of the 174 city-wide items), by their official names.
let signalItems: [ServiceItem] = [
  ServiceItem("mca", "城乡居民最低生活保障申请", .poor, share: 6),
  ServiceItem("mca", "特困人员供养申请", .poor, share: 2),
  ServiceItem("mca", "临时救助申请", .poor, share: 4),
  ServiceItem("mca", "支出型贫困(刚性支出困难)家庭生活救助申请", .poor, share: 3),
  ServiceItem("mca", "城乡居民最低生活保障家庭证明出具", .aided, instant: true),
  ServiceItem("mca", "低收入困难家庭证明开具", .poor, instant: true),
  ServiceItem("mca", "特困人员证明出具", .aided, share: 1, instant: true),
  ServiceItem("mca", "因病支出型贫困家庭证明开具", .ill, instant: true),
  ServiceItem("mca", "定期定量生活补贴人员证明出具", .aided, share: 2, instant: true),
  ServiceItem("mca", "困境儿童/事实无人抚养儿童基本生活费申请", .child, share: 1),
  ServiceItem("mca", "困难残疾人生活补贴和重度残疾人护理补贴申请", .disabled),
  ServiceItem("mca", "老年综合津贴申领/敬老卡申领和发放", .elder, share: 30, instant: true),
  ServiceItem("mca", "养老服务补贴/老年照护统一需求评估申请", .elder, share: 12),
  ServiceItem("mca", "救助申请未通过或停保告知书签收", .poor, share: 2, instant: true),
  ServiceItem("ps", "死亡户口注销", [], share: 0, instant: true),
  ServiceItem("ps", "户口迁入迁出、分户立户", .anyone, share: 14),
  ServiceItem("ps", "户籍人户分离人员居住登记受理/注销", .anyone, share: 10, instant: true),
  ServiceItem("ps", "户籍证明开具", .anyone, share: 20, instant: true),
  ServiceItem("ps", "居住证办理、签注、挂失", .newcomer, share: 40),
  ServiceItem("ps", "来沪人员信息登记", .newcomer, share: 40, instant: true),
  ServiceItem("hrss", "失业登记", .jobless, share: 10, instant: true),
  ServiceItem("hrss", "失业保险金申领", .jobless, share: 10),
  ServiceItem("hrss", "失业保险金期满/停领告知", .jobless, share: 4, instant: true),
  ServiceItem("hrss", "大龄失业(就业)岗位补贴申请", .jobless, share: 3),
  ServiceItem("hrss", "就业困难人员(零就业家庭)认定", .jobless, share: 3),
  ServiceItem("hrss", "灵活就业登记", .worker, share: 12, instant: true),
  ServiceItem("hrss", "领取失业金期间死亡丧葬补助金抚恤金申领", .jobless, share: 1),
  ServiceItem("hrss", "供养亲属抚恤/工伤待遇申领", .worker, share: 2),
  ServiceItem("hsa", "办理居民医保受理登记", .anyone, share: 20, instant: true),
  ServiceItem("hsa", "零星报销申请(自费先付)", .anyone, share: 12),
  ServiceItem("hsa", "门诊大病登记", .ill, share: 10, instant: true),
  ServiceItem("hsa", "综合减负申请/试算", .ill, share: 6),
  ServiceItem("hsa", "年度累计医疗费用信息查询", .anyone, share: 10, instant: true),
  ServiceItem("hsa", "社区医疗互助帮困计划登记缴费/补助", .elder, share: 4),
  ServiceItem("hsa", "长期护理保险申请", .elder, share: 12),
  ServiceItem("hsa", "跨省异地就医登记备案", .elder, share: 6, instant: true),
  ServiceItem("nhc", "计划生育特别扶助(失独/伤残)申领", .elder, share: 2),
  ServiceItem("nhc", "生育保险/生育登记", .worker, share: 8, instant: true),
  ServiceItem("nhc", "严重精神障碍患者监护以奖代补/免费服药", .disabled, share: 2),
  ServiceItem("housing", "廉租住房申请", .poor, share: 3),
  ServiceItem("housing", "廉租住房年审不通过/租金补贴停发", .poor, share: 1, instant: true),
  ServiceItem("housing", "共有产权保障住房/公共租赁住房申请", .worker, share: 8),
  ServiceItem("housing", "住房公积金大病/失业提取", .jobless, share: 3),
  ServiceItem("grain", "帮困粮油(粮油帮困券)申领与补办", .aided, instant: true),
  ServiceItem("grain", "副食品价格补贴发放银行卡维护", .elder, share: 4, instant: true),
  ServiceItem("union", "困难职工帮扶(建档)申请", .worker, share: 2),
  ServiceItem("union", "职工互助保障理赔(重病/意外/住院)", .worker, share: 6),
  ServiceItem("dpf", "残疾人证申领/换发(等级变更)", .disabled),
  ServiceItem("dpf", "残疾人证注销/挂失", .disabled, share: 2, instant: true),
  ServiceItem("dpf", "残疾人交通补贴申请", .disabled, instant: true),
  ServiceItem("dpf", "残疾儿童康复救助/辅具适配申请", .disabled, share: 2),
  ServiceItem("dpf", "阳光之家/重残养护申请", .disabled, share: 1),
  ServiceItem("mca", "窗口主动询问工具表(规范化表单)", .poor, share: 6, instant: true),
  ServiceItem("mca", "办事材料不齐三次退件/代办人持证", .poor, share: 2, instant: true),
]

/// Everyday business without a need signal.
let everydayItems: [ServiceItem] = [
  ServiceItem("hrss", "社会保障卡申领", .anyone, share: 14, instant: true, code: "SIM-0101"),
  ServiceItem("hrss", "社会保障卡挂失补办", .anyone, share: 8, instant: true, code: "SIM-0102"),
  ServiceItem("hrss", "个人参保情况查询打印", .anyone, share: 16, instant: true, code: "SIM-0103"),
  ServiceItem("hrss", "养老金核定进度查询", .anyone, share: 5, instant: true, code: "SIM-0104"),
  ServiceItem("hsa", "医保卡册换领", .anyone, share: 14, instant: true, code: "SIM-0201"),
  ServiceItem("hsa", "就医记录册更换", .anyone, share: 12, instant: true, code: "SIM-0202"),
  ServiceItem("hsa", "医保关系转移接续", .anyone, share: 5, code: "SIM-0203"),
  ServiceItem("ps", "居民身份证换领", .anyone, share: 10, code: "SIM-0301"),
  ServiceItem("ps", "户籍资料变更", .anyone, share: 6, code: "SIM-0302"),
  ServiceItem("mca", "婚姻登记档案查询", .anyone, share: 4, instant: true, code: "SIM-0401"),
  ServiceItem("nhc", "预防接种证补办", .anyone, share: 3, instant: true, code: "SIM-0501"),
  ServiceItem("nhc", "独生子女父母光荣证补办", .anyone, share: 3, instant: true, code: "SIM-0502"),
  ServiceItem("housing", "住房公积金账户查询", .anyone, share: 8, instant: true, code: "SIM-0601"),
  ServiceItem("housing", "房屋状况信息查询", .anyone, share: 6, instant: true, code: "SIM-0602"),
  ServiceItem("union", "工会会员服务卡申领", .anyone, share: 3, instant: true, code: "SIM-0701"),
  ServiceItem("grain", "粮油供应关系证明", .anyone, share: 1, instant: true, code: "SIM-0801"),
  ServiceItem("dpf", "辅助器具目录咨询", .anyone, share: 1, instant: true, code: "SIM-0901"),
]

/// Signal items of one need, drawn by share.
struct ItemChoice: Sendable {
  let items: [ServiceItem]
  let firstEveryday = signalItems.count
  private let everydaySums: [Int]
  private let byNeed: [[(index: Int, sum: Int)]]

  /// The item that takes a dead person off the household register.
  let deregistration = signalItems.firstIndex { $0.share == 0 } ?? 0
  /// The form of questions that a clerk fills in for a visitor in trouble.
  let inquiryForm = signalItems.count - 2
  /// Applying for the minimum living allowance, and for the refund of medical bills.
  let dibaoApplication = 0
  let refund = 29

  init() {
    // The codes of the default pack: the line and a running number of two digits within it.
    var counts: [[UInt8]: Int] = [:]
    let coded = signalItems.map { item in
      counts[item.line, default: 0] += 1
      let number = counts[item.line, default: 0]
      var item = item
      item.code = item.line + Array(((number < 10 ? "-0" : "-") + String(number)).utf8)
      return item
    }
    items = coded + everydayItems
    var sum = 0
    everydaySums = everydayItems.map { item in
      sum += item.share
      return sum
    }
    byNeed = (0..<10).map { bit in
      var sum = 0
      return signalItems.indices.compactMap { index in
        let item = signalItems[index]
        guard item.share > 0, item.need.contains(Need(rawValue: 1 << bit)) else { return nil }
        sum += item.share
        return (index, sum)
      }
    }
  }

  func everyday(_ random: inout SeededRandom) -> Int {
    let target = random.below(everydaySums.last ?? 0)
    return firstEveryday + (everydaySums.firstIndex { $0 > target } ?? 0)
  }

  /// A signal item of one of the person's needs.
  func signal(_ needs: Need, _ random: inout SeededRandom) -> Int {
    var bit = random.below(10)
    while !needs.contains(Need(rawValue: 1 << UInt16(bit))) { bit = (bit + 1) % 10 }
    let list = byNeed[bit]
    let target = random.below(list.last?.sum ?? 0)
    return list.first { $0.sum > target }?.index ?? firstEveryday
  }
}
